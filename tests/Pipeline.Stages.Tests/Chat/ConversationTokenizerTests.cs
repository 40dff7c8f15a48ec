using System.Text;
using System.Text.Json;

using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Alignment;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Jinja;
using Pipeline.Stages.Tests.Alignment;
using Pipeline.Stages.Tokenization;

using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Chat;

public sealed class ConversationTokenizerTests(ITestOutputHelper output) : IDisposable
{
    private const string Headers =
        "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}<|eot_id|>{% endfor %}";

    private const string ChatMarkup =
        "{% if messages[0].role != 'system' %}<|im_start|>system\nBe helpful.<|im_end|>\n{% endif %}{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' + '\n' }}{% endfor %}";

    private static readonly DocumentId Id = new(1, 2, 0);

    private static readonly ChatMessage[] Sums =
        [new("user", "What is 3 plus 4?"), new("assistant", "It is seven."), new("user", "And naïve 東京?"), new("assistant", "The answer is 42.")];

    private readonly ToyRun _run = new(Headers, ChatMarkup);

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Ids_are_those_of_the_rendered_prompt_with_its_special_tokens()
    {
        AlignedPair pair = Map(new TokenizeOptions(), Sums);
        string ours = "<|begin|>" + string.Concat(Sums.Select(m => $"<|start_header_id|>{m.Role}<|end_header_id|>\n\n{m.Content}<|eot_id|>"));
        string theirs = "<|im_start|>system\nBe helpful.<|im_end|>\n" + string.Concat(Sums.Select(m => $"<|im_start|>{m.Role}\n{m.Content}<|im_end|>\n"));
        Assert.Equal(Encode(_run.Teacher, ours), pair.Teacher.Ids);
        Assert.Equal(Encode(_run.Student, theirs), pair.Student.Ids);
    }

    [Fact]
    public void The_text_is_the_contents_and_both_sides_cover_it()
    {
        AlignedPair pair = Map(new TokenizeOptions(), Sums);
        Assert.Equal(string.Concat(Sums.Select(m => m.Content)), pair.Text);
        foreach (TokenSequence side in new[] { pair.Teacher, pair.Student })
        {
            side.Validate();
            Assert.Equal(Encoding.UTF8.GetByteCount(pair.Text), side.ByteEnds[^1]);
        }
        int covered = ChunkAligner.Align(pair.Teacher, pair.Student)
            .Where(c => pair.Teacher.Unit(c.TeacherStart) == UnitLabels.Text)
            .Sum(c => pair.Teacher.ByteEnds[c.TeacherEnd - 1] - pair.Teacher.ByteEnds[c.TeacherStart - 1]);
        Assert.Equal(Encoding.UTF8.GetByteCount(pair.Text), covered);
    }

    [Fact]
    public void Headers_roles_and_turn_ends_pair_and_what_has_no_partner_does_not()
    {
        AlignedPair pair = Map(new TokenizeOptions(), Sums);
        TextTokenizer teacher = ToyTokenizer.Load(_run.Teacher), student = ToyTokenizer.Load(_run.Student);
        string[] units = [.. ChunkAligner.Align(pair.Teacher, pair.Student).Where(c => pair.Teacher.Unit(c.TeacherStart) != UnitLabels.Text).Select(c
            => Spell(teacher, pair.Teacher.Ids[c.TeacherStart..c.TeacherEnd]) + " ~ " + Spell(student, pair.Student.Ids[c.StudentStart..c.StudentEnd]).Trim())];
        string[] turn(string role) => ["<|start_header_id|> ~ <|im_start|>", $"{role} ~ {role}", "<|end_header_id|>⏎⏎ ~ ⏎", "<|eot_id|> ~ <|im_end|>⏎"];
        Assert.Equal([.. turn("user"), .. turn("assistant"), .. turn("user"), .. turn("assistant")], units);
    }

    [Fact]
    public void Only_what_the_assistant_says_counts_unless_told_otherwise()
    {
        AlignedPair pair = Map(new TokenizeOptions(), Sums);
        Assert.Equal("It is seven.<|eot_id|>The answer is 42.<|eot_id|>", Counted(_run.Teacher, pair.Teacher));
        Assert.Equal("It is seven.<|im_end|>⏎The answer is 42.<|im_end|>⏎", Counted(_run.Student, pair.Student));
        Assert.Null(Map(new TokenizeOptions { LossOn = LossOn.All }, Sums).Teacher.LossMask);
    }

    [Fact]
    public void A_marker_counts_in_the_assistants_turns_that_hold_it()
    {
        AlignedPair pair = Map(new TokenizeOptions { LossOn = LossOn.Marker, LossMarker = "answer is" }, Sums);
        Assert.Equal(" 42.<|eot_id|>", Counted(_run.Teacher, pair.Teacher));
        Assert.Equal(" 42.<|im_end|>⏎", Counted(_run.Student, pair.Student));
        Assert.Equal("no loss marker", Rejected(new TokenizeOptions { LossOn = LossOn.Marker, LossMarker = "####" }, Sums).Reason);
    }

    [Fact]
    public void What_one_template_trims_is_no_text_on_the_other_side_either()
    {
        AlignedPair pair = Map(new TokenizeOptions(), new("user", "What is it? "), new("assistant", "It is seven.\n"));
        Assert.Equal("What is it?It is seven.", pair.Text);
        Assert.Equal(pair.Text.Length, pair.Student.ByteEnds[^1]);
        TextTokenizer student = ToyTokenizer.Load(_run.Student);
        Assert.Equal("What is it?It is seven.", string.Concat(Enumerable.Range(0, pair.Student.Count)
            .Where(i => pair.Student.Unit(i) == UnitLabels.Text).Select(i => Encoding.UTF8.GetString(student.ByteView(pair.Student.Ids[i])))).Trim());
    }

    [Fact]
    public void A_token_of_template_and_content_in_one_belongs_to_no_chunk_and_cuts_its_unit()
    {
        // The student's template ends a header with a character that its tokenizer joins to the first one of the content.
        using ToyRun run = new("{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>{{ m.content }}<|eot_id|>{% endfor %}",
            "{% for m in messages %}<|im_start|>{{ m.role }}.{{ m.content }}<|im_end|>{% endfor %}");
        AlignedPair pair = Assert.Single(Made.Tokenize(new TokenizeOptions(), run.Context(run.Teacher))
            .Map(new TextDocument(Id, string.Empty, [new("user", "x"), new("assistant", "y")])));
        Assert.Equal("xy", pair.Text);
        using ToyRun joined = new("{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>{{ m.content }}<|eot_id|>{% endfor %}");
        string folder = ToyTokenizer.ByteLevel(Path.Combine(joined.Folder, "joined"), 120, null, null, ["<|im_start|>", "<|im_end|>"],
            "{% for m in messages %}<|im_start|>{{ m.role }} ap{{ m.content }}<|im_end|>{% endfor %}");
        AlignedPair mixed = Assert.Single(Made.Tokenize(new TokenizeOptions(), joined.Context(folder))
            .Map(new TextDocument(Id, string.Empty, [new("user", "ples has"), new("assistant", "ples has")])));
        Assert.Equal("ples hasples has", mixed.Text);
        TextTokenizer student = ToyTokenizer.Load(folder);
        int token = Array.FindIndex(mixed.Student.Ids, id => student.TokenOf(id) == "Ġapples");
        Assert.True(token > 0, "the toy tokenizer joins ' ap' and 'ples'");
        Assert.Equal((UnitLabels.Unpaired, 4), (mixed.Student.Unit(token), mixed.Student.ByteEnds[token]));
        Chunk[] chunks = ChunkAligner.Align(mixed.Teacher, mixed.Student);
        Assert.DoesNotContain(chunks, c => token >= c.StudentStart && token < c.StudentEnd);
        Assert.Contains(chunks, c => c.StudentStart == token + 1 && mixed.Student.Unit(token + 1) == UnitLabels.Text);
    }

    [Fact]
    public void A_long_conversation_keeps_the_turns_that_fit()
    {
        ChatMessage[] turns = [.. Enumerable.Repeat(Sums, 20).SelectMany(m => m)];
        AlignedPair pair = Map(new TokenizeOptions { MaxTeacherTokens = 150 }, turns);
        Assert.True(pair.Teacher.Count <= 150);
        AlignedPair more = Map(new TokenizeOptions { MaxTeacherTokens = 10_000 }, turns);
        Assert.StartsWith(pair.Text, more.Text, StringComparison.Ordinal);
        Assert.True(pair.Text.EndsWith("It is seven.", StringComparison.Ordinal) || pair.Text.EndsWith("The answer is 42.", StringComparison.Ordinal));
        Assert.Equal((1, Encoding.UTF8.GetByteCount(more.Text[pair.Text.Length..])), (_run.Counts["cutDocuments"], _run.Counts["cutBytes"]));
        Assert.Equal("longer than the limit", Rejected(new TokenizeOptions { MaxTeacherTokens = 16 }, turns).Reason);
        Assert.Equal("longer than the limit", Rejected(new TokenizeOptions { MaxTeacherTokens = 150, LongDocuments = LongDocuments.Reject }, turns).Reason);
    }

    [Fact]
    public void Conversations_that_cannot_be_used_say_why()
    {
        Assert.Equal("no turns", Rejected(new TokenizeOptions()).Reason);
        Assert.Equal("text is empty", Rejected(new TokenizeOptions(), new ChatMessage("user", " ")).Reason);
        Assert.Equal("nothing counts in the loss", Rejected(new TokenizeOptions(), new ChatMessage("user", "only me")).Reason);
        Assert.Equal("byte views differ from the text", Rejected(new TokenizeOptions(), new("user", "a ▁"), new("assistant", "b")).Reason);
    }

    [Fact]
    public void A_template_that_refuses_rejects_the_conversation_with_its_words()
    {
        using ToyRun run = new(Headers, "{{ raise_exception('roles must alternate') }}");
        RejectedException rejected = Assert.Throws<RejectedException>(() => Made.Tokenize(new TokenizeOptions(), run.Context()).Map(new TextDocument(Id, string.Empty, Sums)));
        Assert.Equal(("the template refuses the conversation", "roles must alternate"), (rejected.Reason, rejected.Message));
    }

    [Fact]
    public void A_template_that_fails_on_a_conversation_is_a_failed_record_and_one_that_is_not_implemented_ends_the_run()
    {
        using ToyRun failing = new(Headers, "{{ messages[0].content + 1 }}");
        ChatTemplateException failed = Assert.Throws<ChatTemplateException>(() => Made.Tokenize(new TokenizeOptions(), failing.Context()).Map(new TextDocument(Id, string.Empty, Sums)));
        Assert.Matches("chat template of .*: line 1: '\\+' does not work on", failed.Message);
        using ToyRun missing = new(Headers, "{{ today() }}");
        Assert.Contains("the function 'today' is not implemented", Assert.Throws<InputException>(
            () => Made.Tokenize(new TokenizeOptions(), missing.Context()).Map(new TextDocument(Id, string.Empty, Sums))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_template_that_reorders_turns_rejects_the_conversation()
    {
        using ToyRun run = new(Headers, "{% for m in messages[::-1] %}{{ m.content }}{% endfor %}");
        RejectedException rejected = Assert.Throws<RejectedException>(() => Made.Tokenize(new TokenizeOptions(), run.Context()).Map(new TextDocument(Id, string.Empty, Sums)));
        Assert.Equal("the template reorders the conversation", rejected.Reason);
    }

    [Fact]
    public void A_tokenizer_without_a_template_is_named_when_the_first_conversation_comes()
    {
        using ToyRun run = new(Headers);
        TokenizeMap stage = Made.Tokenize(new TokenizeOptions(), run.Context());
        Assert.Single(stage.Map(new TextDocument(Id, "plain text needs none")));
        Assert.Contains(run.Student, Assert.Throws<InputException>(() => stage.Map(new TextDocument(Id, string.Empty, Sums))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_student_of_bytes_speaks_its_models_template()
    {
        AlignedPair pair = Assert.Single(Made.Tokenize(new TokenizeOptions(), _run.Context("bytes")).Map(new TextDocument(Id, string.Empty, Sums)));
        Chunk[] chunks = ChunkAligner.Align(pair.Teacher, pair.Student);
        Assert.Equal(pair.Teacher.Count, chunks.Sum(c => c.TeacherEnd - c.TeacherStart));
        Assert.Equal(pair.Student.Count, chunks.Sum(c => c.StudentEnd - c.StudentStart));
        Assert.Equal(new Chunk(0, 1, 0, 1), chunks[0]);
        Assert.Equal(UnitLabels.Bos, pair.Student.Unit(0));
    }

    [Fact]
    public void The_student_alone_learns_conversations_too()
    {
        Example example = Assert.Single(Made.TokenizeStudent(new TokenizeStudentOptions(), _run.Context()).Map(new TextDocument(Id, string.Empty, Sums)));
        Assert.Equal("It is seven.<|im_end|>⏎The answer is 42.<|im_end|>⏎", Counted(_run.Student, example.Student));
    }

    /// <summary>Rows of the reference that have the form of a chat. Its templates, written in Jinja, must give its content tokens and its special tokens.</summary>
    [Fact]
    public void Prompts_have_the_content_and_the_marks_of_the_reference()
    {
        if (SharedFolder.Path is not { } shared)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        Dictionary<string, string> templates = new()
        {
            ["Qwen2"] = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}",
            ["Llama3"] = "<|begin_of_text|>{% for m in messages %}{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + m.content + '<|eot_id|>' }}{% endfor %}",
            ["Gemma2"] = "<bos>{% for m in messages %}{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else 'user') + '\n' + m.content + '<end_of_turn>\n' }}{% endfor %}",
        };
        string folder = Path.Combine(shared, "golden", "vocab", "prompts");
        int compared = 0;
        foreach (string line in File.ReadLines(Path.Combine(folder, "encode_prompt.jsonl")))
        {
            JsonElement row = JsonDocument.Parse(line).RootElement;
            string kind = row.GetProperty("kind").GetString()!;
            if (row.GetProperty("messages").ValueKind != JsonValueKind.Array || !templates.TryGetValue(kind, out string? template))
                continue;
            TextTokenizer tokenizer = TextTokenizer.Load(Path.Combine(folder, kind + ".tokenizer.json"), new DiskStorage());
            ChatMessage[] messages = [.. row.GetProperty("messages").EnumerateArray().Select(m => new ChatMessage(m.GetProperty("role").GetString()!, m.GetProperty("content").GetString()!))];
            TokenizationRule rule = TokenizationRule.Of(new TokenizeStudentOptions { LossOn = LossOn.All, MaxStudentTokens = 4096 });
            TokenSequence side = new ConversationTokenizer<TokenSequence>([new ChatSide(tokenizer, kind, template)], rule, (_, _, sides) => sides[0], _run).Tokenize(Id, messages);
            int[] ids = [.. row.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())];
            bool[] regular = [.. row.GetProperty("regular_token_indices").EnumerateArray().Select(i => i.GetInt32() >= 0)];
            // The reference tokenizes the pieces of a prompt separately. There is nothing to compare if a token of the whole prompt joins a header to
            // its content. A role has the id of the reference's table, which merges may not give.
            if (Enumerable.Range(1, side.Count - 1).Any(i => side.Unit(i) == UnitLabels.Unpaired && side.ByteEnds[i] > side.ByteEnds[i - 1]))
                continue;
            int[] content = [.. ids.Where((_, i) => regular[i])], marks = [.. ids.Where(tokenizer.IsSpecial)];
            Assert.Equal(content, side.Ids.Where((_, i) => side.Unit(i) == UnitLabels.Text).Take(content.Length));
            Assert.Equal(marks, side.Ids.Where(tokenizer.IsSpecial).Take(marks.Length));
            compared++;
        }
        output.WriteLine($"{compared} prompts equal");
        Assert.True(compared >= 8);
    }

    [Fact]
    public void Real_templates_pair_turn_by_turn()
    {
        if (SharedFolder.Path is not { } shared)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        ChatSide[] sides = [.. new[] { "llama3", "qwen2_5", "mistral_v03" }.Select(n => Path.Combine(shared, "tokenizers", n))
            .Select(p => new ChatSide(ToyTokenizer.Load(p), Path.GetFileName(p), ChatTemplate.Find(p, new DiskStorage())))];
        foreach ((ChatSide teacher, ChatSide student) in new[] { (sides[0], sides[1]), (sides[1], sides[2]), (sides[0], sides[2]) })
        {
            TokenizationRule rule = TokenizationRule.Of(new TokenizeOptions());
            AlignedPair part = new ConversationTokenizer<AlignedPair>(
                [teacher, student], rule, (id, text, sides) => new(id, text, sides[0], sides[1], ChunkAligner.Align(sides[0], sides[1])), _run).Tokenize(Id, Sums);
            Assert.Equal(string.Concat(Sums.Select(m => m.Content)), part.Text);
            Chunk[] chunks = part.Chunks;
            string[] units = [.. chunks.Where(c => part.Teacher.Unit(c.TeacherStart) != UnitLabels.Text).Select(c
                => Spell(teacher.Tokenizer, part.Teacher.Ids[c.TeacherStart..c.TeacherEnd]) + " ~ " + Spell(student.Tokenizer, part.Student.Ids[c.StudentStart..c.StudentEnd]))];
            output.WriteLine($"{teacher.Name} to {student.Name}: {string.Join("; ", units)}");
            int covered = chunks.Where(c => part.Teacher.Unit(c.TeacherStart) == UnitLabels.Text)
                .Sum(c => part.Teacher.ByteEnds[c.TeacherEnd - 1] - part.Teacher.ByteEnds[c.TeacherStart - 1]);
            Assert.Equal(Encoding.UTF8.GetByteCount(part.Text), covered);
            Assert.Equal(4, units.Count(u => u.Contains("<|im_end|>", StringComparison.Ordinal) || u.EndsWith("</s>", StringComparison.Ordinal) || u.EndsWith("[/INST]", StringComparison.Ordinal)));
        }
    }

    private static string Counted(string tokenizer, TokenSequence side)
        => Spell(ToyTokenizer.Load(tokenizer), [.. Enumerable.Range(0, side.Count).Where(side.Counts).Select(i => side.Ids[i])]);

    /// <summary>The bytes of tokens, without the space that the student's tokenizer inserts after a special token.</summary>
    private static string Spell(TextTokenizer tokenizer, int[] ids)
        => Encoding.UTF8.GetString([.. ids.SelectMany(id => tokenizer.ByteView(id).ToArray())]).Replace('\n', '⏎').Replace("> ⏎", ">⏎", StringComparison.Ordinal);

    private static int[] Encode(string tokenizer, string prompt)
    {
        List<int> ids = [];
        ToyTokenizer.Load(tokenizer).CreateEncoder().Encode(prompt, addSpecialTokens: false, ids);
        return [.. ids];
    }

    private AlignedPair Map(TokenizeOptions options, params ChatMessage[] messages)
        => Assert.Single(Made.Tokenize(options, _run.Context()).Map(new TextDocument(Id, string.Empty, messages)));

    private RejectedException Rejected(TokenizeOptions options, params ChatMessage[] messages)
        => Assert.Throws<RejectedException>(() => Map(options, messages));
}
