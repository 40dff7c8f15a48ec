using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Jinja;
using Pipeline.Stages.Tests.Alignment;

using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Chat;

/// <summary>Compares templates with jinja2; <c>renderings.json</c> says how that was called. The conversations have what templates have trouble with.</summary>
public sealed class ChatTemplateTests(ITestOutputHelper output)
{
    private static readonly JsonElement Reference = JsonDocument.Parse(File.ReadAllBytes(
        Path.Combine(RepositoryRoot(), "tests", "Pipeline.Stages.Tests", "Chat", "renderings.json"))).RootElement;

    [Fact]
    public void Templates_render_as_jinja2_renders_them()
    {
        int compared = 0;
        foreach (JsonElement row in Reference.GetProperty("renderings").EnumerateArray())
        {
            string template = row.GetProperty("template").GetString()!, conversation = row.GetProperty("conversation").GetString()!;
            string source = Reference.GetProperty("templates").GetProperty(template).GetString()!;
            string expected = row.TryGetProperty("rendered", out JsonElement text) ? text.GetString()! : "refused: " + row.GetProperty("refused").GetString();
            Assert.Equal($"{template}, {conversation}: {expected}", $"{template}, {conversation}: {Render(source, Turns(conversation), "<s>", "</s>", Date(row), row.TryGetProperty("generationPrompt", out _))}");
            compared++;
        }
        Assert.True(compared >= 110);
    }

    [Fact]
    public void Templates_of_real_tokenizers_render_as_jinja2_renders_them()
    {
        if (SharedFolder.Path is not { } shared)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        foreach (JsonElement row in Reference.GetProperty("shared").EnumerateArray())
        {
            string name = row.GetProperty("tokenizer").GetString()!, conversation = row.GetProperty("conversation").GetString()!;
            string folder = Path.Combine(shared, "tokenizers", name);
            using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "tokenizer_config.json")));
            string source = ChatTemplate.Find(folder, new DiskStorage())!;
            string rendered = Render(source, Turns(conversation), Mark(config, "bos_token"), Mark(config, "eos_token"));
            if (row.TryGetProperty("refused", out JsonElement refused))
                Assert.StartsWith("refused: " + refused.GetString(), rendered, StringComparison.Ordinal);
            else
                Assert.Equal((name, conversation, row.GetProperty("sha256").GetString()), (name, conversation, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(rendered)))));
        }
    }

    [Theory]
    [InlineData("{% include 'x' %}", "line 1: the statement 'include' is not implemented")]
    [InlineData("a\n{{ x | xmlattr }}", "line 2: the filter 'xmlattr' is not implemented")]
    [InlineData("{{ x is sameas(y) }}", "line 1: the test 'sameas' is not implemented")]
    [InlineData("{% if x %}", "expected {%")]
    [InlineData("{{ 'open }}", "a string is not closed")]
    [InlineData("{# open", "a comment is not closed")]
    [InlineData("{% for x in y recursive %}{% endfor %}", "recursive")]
    [InlineData("{{ x ! y }}", "unexpected '!'")]
    public void What_is_not_implemented_is_refused_by_name_when_the_template_is_read(string source, string says)
    {
        InputException refused = Assert.Throws<InputException>(() => ChatTemplate.Parse(source, "models/x"));
        Assert.Contains("models/x", refused.Message, StringComparison.Ordinal);
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_method_that_is_not_implemented_is_refused_by_name_when_it_is_reached()
    {
        InputException refused = Assert.Throws<InputException>(() => Render("{{ messages[0].content.zfill(3) }}", [new ChatMessage("user", "1")], null, null));
        Assert.Contains("'zfill' of a string", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rendered_characters_know_which_turn_they_are_of()
    {
        Conversation conversation = new([new ChatMessage("user", "  ab\n"), new ChatMessage("assistant", "c d")]);
        TracedText prompt = ChatTemplate.Parse("{% for m in messages %}[{{ m.role }}]{{ (m.content | trim).replace(' ', '_') }}{{ m.content.split('b')[0][1:] }}{% endfor %}", "x")
            .Render(conversation, Marks(null, null));
        Assert.Equal("[user]ab a[assistant]c_d d", prompt.Text);
        string seen = string.Concat(Enumerable.Range(0, prompt.Length).Select(i => prompt.Origin(i) is var o && o == TracedText.FromTemplate ? '.'
            : conversation.IsContent(o) ? (char)('0' + conversation.MessageOf(o)) : (char)('a' + conversation.MessageOf(o))));
        Assert.Equal(".aaaa.0000.bbbbbbbbb.1.111", seen);
    }

    [Fact]
    public void Only_carriage_returns_and_line_feeds_are_line_ends()
        => Assert.Equal("a\u2028b\n\u0085c", Render("a\u2028b\r\n\u0085c\r", [], null, null));

    [Fact]
    public void A_macro_that_calls_itself_forever_is_refused()
        => Assert.Throws<ChatTemplateException>(() => Render("{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", [], null, null));

    [Fact]
    public void A_template_that_writes_todays_date_wants_one_from_the_definition()
    {
        InputException refused = Assert.Throws<InputException>(() => Render("{{ strftime_now('%Y') }}", [], null, null));
        Assert.Contains("templateDate", refused.Message, StringComparison.Ordinal);
        Assert.Contains("'%q'", Assert.Throws<InputException>(() => Render("{{ strftime_now('%q') }}", [], null, null, new DateOnly(2024, 7, 6))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_argument_that_a_filter_does_not_know_is_refused()
        => Assert.Contains("'base'", Assert.Throws<InputException>(() => Render("{{ '11' | int(base=2) }}", [], null, null)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"bos_token": null, "eos_token": {"content": "<e>"}}""", "[][<e>][True][False]")]
    [InlineData("""{"bos_token": "<b>", "unk_token": "<u>"}""", "[<b>][Ć][False][True]")]
    public void A_template_sees_the_marks_that_the_configuration_names(string config, string rendered)
    {
        using ToyRun run = new("", "");
        string folder = ToyTokenizer.ByteLevel(Path.Combine(run.Folder, "marks"), 20, "<b>", "<e>", ["<b>", "<e>", "<u>"]);
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), config);
        // The model's ids count only if the tokenizer's configuration says nothing, and not if it says that there is no such token.
        File.WriteAllText(Path.Combine(folder, "generation_config.json"), """{"bos_token_id": 5, "eos_token_id": [6]}""");
        ChatSide side = new(ToyTokenizer.Load(folder), "marks", "[{{ bos_token }}][{{ eos_token }}][{{ bos_token is undefined }}][{{ unk_token is defined }}]");
        Assert.Equal(rendered, ChatTemplate.Parse(side.Template!, side.Name).Render(new Conversation([]), side.Marks).Text);
    }

    [Fact]
    public void Templates_are_looked_for_in_the_order_of_Hugging_Face()
    {
        using ToyRun run = new("", "");
        string folder = Path.Combine(run.Folder, "templates");
        Directory.CreateDirectory(folder);
        Assert.Null(ChatTemplate.Find(folder, new DiskStorage()));
        File.WriteAllText(Path.Combine(folder, "chat_template.json"), """{"chat_template": "processor's"}""");
        Assert.Equal("processor's", ChatTemplate.Find(folder, new DiskStorage()));
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"chat_template": [{"name": "rag", "template": "no"}, {"name": "default", "template": "named"}]}""");
        Assert.Equal("named", ChatTemplate.Find(folder, new DiskStorage()));
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"chat_template": "config's"}""");
        Assert.Equal("config's", ChatTemplate.Find(folder, new DiskStorage()));
        File.WriteAllText(Path.Combine(folder, "chat_template.jinja"), "a file of its own\n");
        Assert.Equal("a file of its own\n", ChatTemplate.Find(folder, new DiskStorage()));
    }

    [Fact]
    public void The_day_in_a_definition_is_a_day()
    {
        Assert.Equal(new DateOnly(2024, 7, 26), TokenizationRule.Of(new TokenizeOptions { TemplateDate = "2024-07-26" }).TemplateDate);
        Assert.Contains("'26 Jul'", Assert.Throws<DefinitionException>(() => TokenizationRule.Of(new TokenizeOptions { TemplateDate = "26 Jul" })).Message, StringComparison.Ordinal);
    }

    public static TheoryData<string> Hostile => new()
    {
        "{{ " + new string('(', 5000) + "1" + new string(')', 5000) + " }}",
        "{{ " + string.Concat(Enumerable.Repeat("not ", 5000)) + "1 }}",
        string.Concat(Enumerable.Repeat("{% if x %}", 5000)) + string.Concat(Enumerable.Repeat("{% endif %}", 5000)),
        "{{ " + string.Join(" ~ ", Enumerable.Repeat("x", 20_000)) + " }}",
        "{{ x" + string.Concat(Enumerable.Repeat(" | trim", 20_000)) + " }}",
        "{{ 99999999999999999999 }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[]) %}{% for i in range(5000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson }}",
        "{% set ns = namespace(x=[], y=[]) %}{% for i in range(5000) %}{% set ns.x = [ns.x] %}{% set ns.y = [ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
        "{% set x = 'a' * 100000 %}{{ x.replace('a', x) }}",
        "{{ 'x\ny' | indent(2000000000) }}",
        "{{ [1] | tojson(indent=-1) }}",
        "{{ 4 is divisibleby(0) }}",
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public void A_template_that_would_end_the_process_or_take_time_and_memory_without_bound_is_refused(string source)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Exception refused = Assert.ThrowsAny<Exception>(() => Render(source, [new ChatMessage("user", "hello")], null, null));
        Assert.True(refused is InputException or ChatTemplateException, refused.ToString());
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2L << 30);
    }

    [Theory]
    [InlineData("""{"chat_template": [1, {"name": 5}, {"name": "default"}]}""")]
    [InlineData("""{"chat_template": [{"name": "default", "template": 7}]}""")]
    [InlineData("""{"chat_template": "\ud800"}""")]
    [InlineData("""{"chat_template": 1}""")]
    public void A_configuration_that_is_not_as_it_should_be_is_refused_by_name(string json)
    {
        string folder = Directory.CreateTempSubdirectory("alm-template-").FullName;
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), json);
        Assert.Contains("tokenizer_config.json", Assert.Throws<InputException>(() => ChatTemplate.Find(folder, new DiskStorage())).Message, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    private static DateOnly? Date(JsonElement row)
        => row.TryGetProperty("date", out JsonElement date) ? DateOnly.ParseExact(date.GetString()!, "yyyy-MM-dd", CultureInfo.InvariantCulture) : null;

    private static Dictionary<string, string> Marks(string? bos, string? eos)
    {
        Dictionary<string, string> marks = [];
        if (bos is not null)
            marks["bos_token"] = bos;
        if (eos is not null)
            marks["eos_token"] = eos;
        return marks;
    }

    private static string Render(string source, IReadOnlyList<ChatMessage> messages, string? bos, string? eos, DateOnly? date = null, bool generationPrompt = false)
    {
        try
        {
            return ChatTemplate.Parse(source, "x").Render(new Conversation(messages), Marks(bos, eos), date, generationPrompt).Text;
        }
        catch (ChatTemplateException e) when (e.IsRefusal)
        {
            return "refused: " + e.Message;
        }
    }

    private static ChatMessage[] Turns(string conversation)
        => [.. Reference.GetProperty("conversations").GetProperty(conversation).EnumerateArray()
            .Select(m => new ChatMessage(m.GetProperty("role").GetString()!, m.GetProperty("content").GetString()!))];

    private static string Mark(JsonDocument config, string name)
        => config.RootElement.TryGetProperty(name, out JsonElement mark) && mark.ValueKind == JsonValueKind.String ? mark.GetString()! : string.Empty;

    private static string RepositoryRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Alm.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("no Alm.sln above the tests");
    }
}
