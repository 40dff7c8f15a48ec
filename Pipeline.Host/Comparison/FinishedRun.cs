using System.Text.Json.Nodes;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Files;

namespace Pipeline.Host.Comparison;

/// <summary>A run that is done, by its report.</summary>
/// <param name="Path">Its folder, as it was given.</param>
/// <param name="Name">The definition's.</param>
/// <param name="Seed">The definition's.</param>
/// <param name="Definition">Hash of the resolved definition.</param>
internal sealed record FinishedRun(string Path, string Name, long Seed, string Definition)
{
    private IReadOnlyList<(string Part, Judgement Judgement)> _judgements = [];

    /// <summary>Names of what its <c>evaluate</c> stages left, in the report's order.</summary>
    public IEnumerable<string> Parts => _judgements.Select(j => j.Part);

    public Judgement? this[string part] => _judgements.FirstOrDefault(j => j.Part == part).Judgement;

    /// <exception cref="Contracts.Errors.InputException">The run is not done, or its report is none.</exception>
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

    /// <summary>With one more part: the mean of others. Without it where one of those is missing.</summary>
    public FinishedRun With(PartMean mean)
    {
        List<Judgement> parts = [.. mean.Of.Select(p => this[p]).OfType<Judgement>()];
        return parts.Count < mean.Of.Count ? this : this with { _judgements = [.. _judgements, (mean.Name, Judgement.Mean(parts))] };
    }

    /// <summary>With what another run found of further models on the same texts, as if one run had judged them all.</summary>
    /// <exception cref="Contracts.Errors.InputException">They were judged on different texts.</exception>
    public FinishedRun With(FinishedRun other)
    {
        RunComparison.CheckComparable([this, other]);
        IEnumerable<string> parts = Parts.Union(other.Parts);
        return this with { _judgements = [.. parts.Select(p => (p, (this[p], other[p]) is ({ } mine, { } theirs) ? mine.With(theirs) : (this[p] ?? other[p])!))] };
    }
}
