using System.ComponentModel;
using System.Globalization;
using System.Security.Cryptography;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Host.Tests.Extending;

internal sealed record FrequencyTeacherDefinition : TeacherDefinition
{
    public override string Backend => "frequency";

    [Description("A file with one count per token, in the order of the ids.")]
    public override required string Model { get; init; }

    [Description("A folder or tokenizer.json.")]
    public override required string? Tokenizer { get; init; }
}

/// <summary>The simplest of language models: a token is as likely as it was frequent, whatever came before it.</summary>
internal sealed class FrequencyTeacher(string path, IStorage storage) : ITeacher
{
    // It knows nothing of boundaries, so what needs their mass is refused before any work.
    private static readonly TeacherAbilities Abilities = new(BoundaryKnowledge.None);

    private readonly Lazy<float[]> _negLogLikelihoods = new(() => Read(path, storage));

    public static TeacherRegistration Registration { get; } = TeacherRegistration.Of<FrequencyTeacherDefinition>(
        "frequency", "How often each token was seen.", static _ => Abilities,
        static (teacher, context) => new FrequencyTeacher(RunPaths.Input(context.RunFolder, teacher.Model), context.Storage));

    public TeacherFacts Facts => new(Abilities, Shape: null, Repeatable: true);

    public IReadOnlyDictionary<string, string> Fingerprint => new Dictionary<string, string> { ["teacher counts"] = Convert.ToHexStringLower(SHA256.HashData(storage.OpenRead(path))) };

    public Task<IReadOnlyList<TeacherAnswer>> ScoreAsync(TeacherRequest request, CancellationToken cancellationToken)
        => Task.FromResult<IReadOnlyList<TeacherAnswer>>([.. request.Rows.Select(row => new TeacherAnswer(new TeacherScores(Scores(row.Ids), NegLogBoundary: null)))]);

    public ValueTask ReleaseAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => ReleaseAsync();

    // The first token of a sequence has no score.
    private float[] Scores(int[] ids) => [0, .. ids.Skip(1).Select(id => _negLogLikelihoods.Value[id])];

    private static float[] Read(string path, IStorage storage)
    {
        using var reader = new StreamReader(storage.OpenRead(path));
        double[] counts = [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => double.Parse(line, CultureInfo.InvariantCulture))];
        double sum = counts.Sum();
        return counts.All(c => c > 0)
            ? [.. counts.Select(c => (float)-Math.Log(c / sum))]
            : throw new InputException($"{path}: a count is 0 or less; expected one of more than 0 for every token");
    }
}
