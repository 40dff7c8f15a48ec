using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Files;

namespace Pipeline.Host.Comparison;

/// <summary>A finished run, as its report describes it.</summary>
/// <param name="Path">The run folder, as it was given.</param>
/// <param name="Name">The name in the definition.</param>
/// <param name="Seed">The seed in the definition.</param>
/// <param name="Definition">The hash of the canonical definition.</param>
internal sealed record FinishedRun(string Path, string Name, long Seed, string Definition)
{
    private IReadOnlyList<(string Part, Judgement Judgement)> _judgements = [];

    /// <summary>The names of the parts that <c>evaluate</c> stages have left, in the order of the report.</summary>
    public IEnumerable<string> Parts => _judgements.Select(j => j.Part);

    /// <summary>The judgement of a part; null if the run has none of that name.</summary>
    public Judgement? this[string part] => _judgements.FirstOrDefault(j => j.Part == part).Judgement;

    /// <summary>Reads the report of a run.</summary>
    /// <exception cref="Contracts.Errors.InputException">The run is not done, or its report is damaged.</exception>
    public static FinishedRun Read(IStorage storage, string folder) => RunReport.Read(storage, folder, report =>
    {
        List<(string, Judgement)> judgements = [];
        foreach ((string part, JsonNode? value) in report["parts"]?.AsObject() ?? [])
        {
            if (Judgement.Read(value) is { } judgement)
                judgements.Add((part, judgement));
        }
        return new FinishedRun(folder, (string?)report["run"] ?? "", (long?)report["seed"] ?? 0, (string?)report["definition"] ?? "") { _judgements = judgements };
    });

    /// <summary>The run with a further part, which is the mean of others. If the run lacks one of those, it stays as it is.</summary>
    public FinishedRun With(PartMean mean)
    {
        List<Judgement> parts = [.. mean.Of.Select(p => this[p]).OfType<Judgement>()];
        return parts.Count < mean.Of.Count ? this : this with { _judgements = [.. _judgements, (mean.Name, Judgement.Mean(parts))] };
    }

    /// <summary>The run with the results of another run for further models on the same texts, as if one run had judged them all.</summary>
    /// <exception cref="Contracts.Errors.InputException">The two runs cannot be compared, for example because their texts differ.</exception>
    public FinishedRun With(FinishedRun other)
    {
        RunComparison.CheckComparable([this, other]);
        IEnumerable<string> parts = Parts.Union(other.Parts);
        return this with { _judgements = [.. parts.Select(p => (p, (this[p], other[p]) is ({ } mine, { } theirs) ? mine.With(theirs) : (this[p] ?? other[p])!))] };
    }
}
