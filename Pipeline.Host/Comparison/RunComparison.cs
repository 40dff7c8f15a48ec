using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Definitions;

namespace Pipeline.Host.Comparison;

/// <summary>Compares runs: for every part and every model, the results with mean and spread over the runs.</summary>
/// <param name="Runs">The runs, in the order in which they were given. The values of each model have the same order.</param>
/// <param name="Before">The name of the model that the gap is measured from.</param>
/// <param name="Teacher">The name of the model that the gap is measured to.</param>
/// <param name="Parts">The parts that any run has.</param>
internal sealed record RunComparison(IReadOnlyList<FinishedRun> Runs, string Before, string Teacher, IReadOnlyList<ComparedPart> Parts)
{
    public const string DefaultBefore = "student-initial";
    public const string DefaultTeacher = "teacher";

    public int Version { get; init; } = 1;

    /// <summary>The part of a name; null if no run has it.</summary>
    public ComparedPart? Part(string name) => Parts.FirstOrDefault(p => p.Name == name);

    /// <summary>Compares one or more runs.</summary>
    /// <param name="runs">The runs.</param>
    /// <param name="means">Parts that are means of others. They are added to every run that has all of those.</param>
    /// <param name="before">The name of the model that the gap is measured from.</param>
    /// <param name="teacher">The name of the model that the gap is measured to.</param>
    /// <exception cref="InputException">
    /// The runs cannot be compared: their texts differ, a model has another tokenizer under the same name, their references of agreement differ, or no model
    /// was judged.
    /// </exception>
    public static RunComparison Of(
        IReadOnlyList<FinishedRun> runs, IReadOnlyList<PartMean> means, string before = DefaultBefore, string teacher = DefaultTeacher)
    {
        List<string> names = [.. runs.SelectMany(r => r.Parts).Distinct()];
        if (names.Count == 0)
            throw new InputException($"no model was judged in {string.Join(", ", runs.Select(r => r.Path))}; the stage evaluate does that");
        CheckComparable(runs);
        foreach (PartMean mean in means)
        {
            CheckMean(mean, names);
            runs = [.. runs.Select(r => r.With(mean))];
            names.Add(mean.Name);
        }
        ComparedPart[] parts = [.. names.Where(n => runs.Any(r => r[n] is not null)).Select(n => Compare(n, runs, before, teacher))];
        return new RunComparison(runs, before, teacher, parts);
    }

    /// <summary>The same comparison, with the models sorted by bits per byte, the best first.</summary>
    public RunComparison BestFirst()
        => this with { Parts = [.. Parts.Select(p => p with { Models = [.. p.Models.OrderBy(m => m.BitsPerByte.Mean)] })] };

    /// <summary>Checks that the runs can be compared.</summary>
    /// <exception cref="InputException">
    /// In parts of the same name, the texts or the references of agreement differ, or a model has another tokenizer under the same name.
    /// </exception>
    internal static void CheckComparable(IReadOnlyList<FinishedRun> runs)
    {
        foreach (string name in runs.SelectMany(r => r.Parts).Distinct())
            CheckComparable(name, runs);
    }

    private static ComparedPart Compare(string part, IReadOnlyList<FinishedRun> runs, string before, string teacher)
    {
        Judgement?[] judgements = [.. runs.Select(r => r[part])];
        IEnumerable<string> models = judgements.OfType<Judgement>().SelectMany(j => j.Models).Select(m => m.Name).Distinct();
        return new ComparedPart(part, judgements.OfType<Judgement>().First().Text, [.. models.Select(name => new ComparedModel(
            name,
            Repeats.Of(judgements.Select(j => j?[name]?.BitsPerByte))!,
            name == before || name == teacher ? null : Repeats.Of(judgements.Select(j => GapClosed(j, name, before, teacher))),
            Repeats.Of(judgements.Select(j => j?[name]?.Agreement)),
            Repeats.Of(judgements.Select(j => j?[name]?.ByteAgreement)),
            Repeats.Of(judgements.Select(j => j?[name]?.Divergence))))]);
    }

    private static double? GapClosed(Judgement? judgement, string name, string before, string teacher)
        => (judgement?[before]?.BitsPerByte, judgement?[name]?.BitsPerByte, judgement?[teacher]?.BitsPerByte) is ({ } from, { } at, { } to) && from > to
            ? (from - at) / (from - to)
            : null;

    private static void CheckComparable(string part, IReadOnlyList<FinishedRun> runs)
    {
        FinishedRun first = runs.First(r => r[part] is not null);
        var tokenizers = new Dictionary<string, (FinishedRun Run, string Tokenizer)>();
        foreach (FinishedRun run in runs.Where(r => r[part] is not null))
        {
            Judgement judgement = run[part]!;
            if (judgement.Text != first[part]!.Text)
            {
                throw new InputException(
                    $"part '{part}': {run.Path} was judged on {Words(judgement.Text)}, {first.Path} on {Words(first[part]!.Text)}: different text, not comparable; judge both on the same");
            }
            if (judgement.AgreementWith is { } other && runs.Select(r => r[part]?.AgreementWith).First(a => a is not null) is { } reference && other != reference)
            {
                throw new InputException(
                    $"part '{part}': {run.Path} has agreement with '{other}', others with '{reference}': not comparable; use one reference for all");
            }
            foreach (JudgedModel model in judgement.Models)
            {
                if (tokenizers.TryAdd(model.Name, (run, model.Tokenizer)) || tokenizers[model.Name].Tokenizer == model.Tokenizer)
                    continue;
                throw new InputException(
                    $"part '{part}': model '{model.Name}' has a different tokenizer in {run.Path} than in {tokenizers[model.Name].Run.Path}: "
                    + "these are two models, not one repeated; give them different names, or compare the runs separately");
            }
        }
    }

    private static void CheckMean(PartMean mean, List<string> names)
    {
        if (names.Contains(mean.Name))
            throw new InputException($"'{mean.Name}' is a part already; give the mean another name");
        if (mean.Of.FirstOrDefault(p => !names.Contains(p)) is { } unknown)
            throw new InputException($"'{mean.Name}' is the mean of '{unknown}', a part that no run has{Suggestion.For(unknown, names)}");
    }

    private static string Words(JudgedText text) => string.Create(
        CultureInfo.InvariantCulture,
        $"{text.Documents} documents, {text.Bytes} bytes in {text.Windows} windows of at most {text.WindowBytes}{(text.IsCut ? ", cut at maxBytes" : "")}");
}
