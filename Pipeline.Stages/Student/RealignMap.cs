using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Alignment;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Rules;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Student;

/// <summary>
/// Gives the examples of existing shards another student tokenizer. The text is tokenized and aligned again. The teacher's scores of its own tokens
/// stay as they are, so that no teacher is run. The text is tokenized with the teacher's tokenizer again only to check that it is still the text that
/// was scored.
/// </summary>
internal sealed class RealignMap : IMap<OrderedExample, Example>, IFingerprinted
{
    private readonly RealignOptions _options;
    private readonly RunSite _run;
    private readonly string _name;
    private readonly IStageMeter _meter;
    private readonly TextTokenizer _teacher;
    private readonly TextTokenizer _student;
    private readonly ConcurrentBag<(TextEncoder Teacher, TextEncoder Student)> _encoders = [];

    public RealignMap(RealignOptions options, string name, RunSite run, IStageMeter meter)
    {
        (_options, _name, _meter) = (options, name, meter);
        _run = run.With(options.Student);
        _teacher = SideTokenizers.Teacher(_run);
        _student = SideTokenizers.Student(_run);
    }

    public static StageRegistration Registration { get; } = StageRegistration.Map<RealignOptions, OrderedExample, Example, RealignMap>(
        "realign",
        "Gives the examples of existing shards another student tokenizer, without running the teacher, so that write-shards can write them again.",
        static (o, c) => new RealignMap(o, c.StageName, RunSite.Of(c), c.Meter))
        .Telling<RealignOptions>(static (_, facts) => facts with { ReplacedParts = [FingerprintPart.StudentTokenizer, FingerprintPart.Templates] })
        .Ruled<RealignOptions>(static (_, c) => SideRules.Tokenizers(c)) with
    { Needs = StageNeeds.Teacher | StageNeeds.Student };

    /// <summary>The parts of the fingerprint that change. All others are passed on from the shards that are read.</summary>
    public IReadOnlyDictionary<string, string> Fingerprint
    {
        get
        {
            var parts = new Dictionary<string, string>
            {
                [FingerprintPart.StudentTokenizer] = _student.Fingerprint,
                [FingerprintPart.Templates] = $"{ChatSides.Teacher(_run).TemplateFingerprint} {ChatSides.Student(_run).TemplateFingerprint}",
            };
            if (_options.MaxStudentTokens is { } most) parts[FingerprintPart.RealignedLimit] = most.ToString(CultureInfo.InvariantCulture);
            return parts;
        }
    }

    public IReadOnlyList<Example> Map(OrderedExample input)
    {
        Example example = input.Example;
        TeacherView view = example.Teacher
            ?? throw new RejectedException(example.Id, "no teacher tokens", "the shard holds text without teacher tokens, so there is nothing to align with");
        RequireText(example.Id, view.Tokens);
        bool bos = HadMark(example, view, UnitLabels.Bos, _teacher.BosId, isDefault: true), eos = HadMark(example, view, UnitLabels.Eos, _teacher.EosId, isDefault: example.Id.Part == 0);
        (TextEncoder Teacher, TextEncoder Student) encoders = _encoders.TryTake(out (TextEncoder, TextEncoder) idle) ? idle : (_teacher.CreateEncoder(), _student.CreateEncoder());
        TokenSequence student;
        try
        {
            int[] again = encoders.Teacher.EncodeDocument(example.Text, bos, eos).Ids;
            if (!again.AsSpan().SequenceEqual(view.Tokens.Ids))
            {
                throw new RejectedException(
                    example.Id, "teacher tokens differ", $"the text now has {again.Length} teacher tokens, which differ from the {view.Tokens.Count} in the shard; score the document again");
            }
            student = encoders.Student.EncodeDocument(example.Text, bos, eos);
        }
        catch (ByteViewException e)
        {
            throw new RejectedException(example.Id, "byte views differ from the text", e.Message);
        }
        finally
        {
            _encoders.Add(encoders);
        }
        if (student.Count > _options.MaxStudentTokens)
        {
            throw new RejectedException(
                example.Id, "longer than the limit", $"{student.Count} tokens under the new tokenizer, but realign.maxStudentTokens is {_options.MaxStudentTokens}");
        }
        if (view.Tokens.LossMask is not null) student = student with { LossMask = LossMask(example, view.Tokens, student) };
        Chunk[] chunks = ChunkAligner.Align(view.Tokens, student);
        _meter.Count("teacherTokens", view.Tokens.Count);
        _meter.Count("studentTokens", student.Count);
        _meter.Count("chunks", chunks.Length);
        TeacherHidden? hidden = view.Hidden is { } states ? Hidden(example, states, chunks) : null;
        return [new Example(example.Id, example.Text, student, view with { Hidden = hidden }, chunks)];
    }

    private static void RequireText(DocumentId id, TokenSequence teacher)
    {
        if (teacher.Units is { } units && units.Any(u => u is not (UnitLabels.Text or UnitLabels.Bos or UnitLabels.Eos)))
        {
            throw new RejectedException(
                id, "a conversation", "the shard holds the text of a conversation but not its turns, so another template cannot be applied; run tokenize and score-teacher");
        }
    }

    // Whether the document was tokenized with bos or eos. The special tokens in the shard say so. If neither tokenizer of the shard could have
    // written one, this assumes what tokenize does by default. A part of a longer document is then taken to have no eos, since nothing tells whether
    // it is the last part.
    private static bool HadMark(Example example, TeacherView view, ushort unit, int? teacherId, bool isDefault)
        => isDefault && teacherId is null && (example.Student.Units is null || !example.Student.Units.Contains(unit)) || Has(view.Tokens, unit) || Has(example.Student, unit);

    private static bool Has(TokenSequence tokens, ushort unit) => tokens.Units is { } units && units.Contains(unit);

    /// <summary>Transfers the loss mask of the teacher's tokens to the new tokens, by way of the bytes that they cover.</summary>
    internal static bool[] LossMask(Example example, TokenSequence teacher, TokenSequence student)
    {
        var spans = new List<(int Start, int End)>();
        int start = 0;
        for (int i = 0; i < teacher.Count; i++)
        {
            int end = teacher.ByteEnds[i];
            if (teacher.Unit(i) == UnitLabels.Text && teacher.Counts(i))
            {
                if (spans.Count > 0 && spans[^1].End == start) spans[^1] = (spans[^1].Start, end);
                else spans.Add((start, end));
            }
            start = end;
        }
        return LossMasks.Of(student, spans, Encoding.UTF8.GetByteCount(example.Text));
    }

    private TeacherHidden Hidden(Example example, TeacherHidden states, Chunk[] chunks)
    {
        var held = new Dictionary<int, int>(example.Chunks.Length);
        for (int i = 0; i < example.Chunks.Length; i++) held[example.Chunks[i].TeacherEnd] = i;
        var values = new Half[states.Layers.Length * chunks.Length * states.Width];
        for (int c = 0; c < chunks.Length; c++)
        {
            if (!held.TryGetValue(chunks[c].TeacherEnd, out int at))
            {
                throw new InputException(
                    $"stage '{_name}': document {example.Id} has no hidden state of the teacher after its token {chunks[c].TeacherEnd - 1}, where a chunk of the new tokenizer ends; "
                    + "hidden states are kept at the chunk ends of the tokenizer that was scored with: score with the new one, or realign shards made with bytes");
            }
            for (int layer = 0; layer < states.Layers.Length; layer++)
            {
                states.Values.AsSpan((layer * example.Chunks.Length + at) * states.Width, states.Width)
                    .CopyTo(values.AsSpan((layer * chunks.Length + c) * states.Width));
            }
        }
        return states with { Values = values };
    }
}
