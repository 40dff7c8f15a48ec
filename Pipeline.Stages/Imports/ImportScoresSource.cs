using System.Globalization;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Rules;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Text;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Imports;

/// <summary>
/// Makes examples of scores that were made elsewhere. Here the teacher is a file: its scores are checked against the text and aligned with the student's
/// tokens, as if a teacher had just computed them.
/// </summary>
/// <param name="options">Where the scores are, and what their fields are called.</param>
/// <param name="input">The files and rows that are read.</param>
/// <param name="student">The student's tokenizer and chat template.</param>
/// <param name="teacher">The teacher's tokenizer, by which ids are checked. Null where they are not checked.</param>
/// <param name="storage">Where the files are.</param>
/// <param name="meter">Gets progress and counts.</param>
/// <param name="rejects">Gets rows that cannot be used.</param>
internal sealed class ImportScoresSource(
    ImportScoresOptions options, InputSelection input, ChatSide student, TextTokenizer? teacher, IStorage storage, IStageMeter meter, IRejects rejects)
    : ISource<Example>, IFingerprinted, IPlanned
{
    public static StageRegistration Registration { get; } = StageRegistration.Source<ImportScoresOptions, Example, ImportScoresSource>(
        "import-scores", "Reads scores that were made elsewhere: text with a log-likelihood, and a boundary mass where there is one, for each token of a teacher.",
        static (o, c) => new ImportScoresSource(
            o, InputSelection.Of(o.Files, o.IsParquet ? InputKind.Parquet : InputKind.JsonLines, o.SkipRows, o.MaxRows, c), ChatSides.Student(RunSite.Of(c)), Teacher(o, c), c.Storage, c.Meter, c.Rejects))
        .Telling<ImportScoresOptions>(static (o, facts) => facts with
        {
            MaxTeacherTokens = o.MaxTeacherTokens,
            MaxStudentTokens = o.StudentLimit,
            ImportedScores = new TeacherAbilities(o.Knowledge),
        })
        .Ruled<ImportScoresOptions>(static (o, c) => SideRules.StudentTokenizer(c)
            .Concat(o.Tokenizer is null ? [] : SideRules.Tokenizer("tokenizer", o.Tokenizer, null, c))
            .Concat(PositionRules.Student("maxStudentTokens", o.StudentLimit, c))
            .Concat(InputFileRules.Of(o.Files, c, path => ScoredFile.Require(c.Storage, path, o)))) with
    { Needs = StageNeeds.Student };

    public IReadOnlyDictionary<string, string> Fingerprint
    {
        get
        {
            var parts = new Dictionary<string, string>
            {
                [FingerprintPart.Input] = input.Fingerprint(
                    "scores", options.Text, options.Prompt ?? "", options.Messages ?? "", options.Ids ?? "", options.Bytes ?? "", options.LogLikelihood,
                    options.Boundary ?? "", options.BoundaryLower ?? "", options.BoundaryUpper ?? "", options.MaxLineBytes.ToString(CultureInfo.InvariantCulture)),
                [FingerprintPart.StudentTokenizer] = student.Tokenizer.Fingerprint,
                [FingerprintPart.Limits] = string.Create(CultureInfo.InvariantCulture, $"teacher tokens {options.MaxTeacherTokens}, {ExampleMaker.Rule(options)}"),
                [FingerprintPart.ImportedFrom] = options.Model ?? "not said",
            };
            if (options.Messages is not null)
                parts[FingerprintPart.Templates] = student.TemplateFingerprint;
            // How the teacher tokenized a prompt is unknown, so shards with prompts do not claim to have the teacher's ids.
            if (teacher is not null && (options.Prompt ?? options.Messages) is null)
                parts[FingerprintPart.TeacherTokenizer] = teacher.Fingerprint;
            if (options.Knowledge != BoundaryKnowledge.Exact)
                parts[FingerprintPart.TeacherBoundary] = ShardFingerprint.BoundaryIs(options.Knowledge);
            return parts;
        }
    }

    public StagePlan Plan(long? records) => TextPlan.Of(input, file => ScoredFile.Require(storage, file.Path, options));

    public IAsyncEnumerable<Example> ReadAsync(CancellationToken cancellationToken) => Read(cancellationToken).ToAsyncEnumerable();

    private static TextTokenizer? Teacher(ImportScoresOptions options, StageContext context)
    {
        RunSite run = RunSite.Of(context);
        return options.Tokenizer is not { } path ? null : run.Tokenizers.Get(path == TextTokenizer.BytesPath ? path : run.Input(path));
    }

    private IEnumerable<Example> Read(CancellationToken cancellationToken)
    {
        input.SayWhatIsEmpty();
        IReadOnlyList<FileRange> ranges = input.Ranges();
        foreach (FileRange range in ranges)
            ScoredFile.Require(storage, range.File.Path, options);
        var maker = new ExampleMaker(options, student, teacher, meter);
        long done = 0, total = ranges.Sum(r => r.End - r.First);
        foreach (FileRange range in ranges)
        {
            foreach (ReadRow row in ScoredFile.Read(storage, range, options))
            {
                cancellationToken.ThrowIfCancellationRequested();
                meter.Progress(++done, total);
                if (Make(maker, row, range.File.Path) is { } example)
                    yield return example;
            }
        }
    }

    private Example? Make(ExampleMaker maker, ReadRow row, string path)
    {
        if (row.Reject?.Reason == TextRejects.Blank)
        {
            meter.Count("blankLines", 1);
            return null;
        }
        try
        {
            Example example = maker.Make(row.Id, row.Scores ?? throw row.Reject!);
            meter.Count("documents", 1);
            meter.Count("teacherTokens", example.Teacher!.Tokens.Count);
            meter.Count("studentTokens", example.Student.Count);
            meter.Count("chunks", example.Chunks.Length);
            return example;
        }
        catch (RejectedException e)
        {
            string place = options.IsParquet ? $"row {row.Id.Row}" : $"line {row.Id.Row + 1}";
            rejects.Reject(row.Id, e.Reason, $"{path}: {place}: {ScoredFile.Say(e)}");
            return null;
        }
    }
}
