using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Teacher.Server;

/// <summary>
/// What a server said of fixed texts when the run began. A server is a name and no hash of weights: if it says something else later,
/// another model answers.
/// </summary>
/// <param name="Model">As the server names it in its answers; null where it does not.</param>
/// <param name="LogLikelihoods">Of every token of every text but the first, in nats.</param>
internal sealed record TeacherProbe(string Format, int Version, string? Model, double[] LogLikelihoods)
{
    private const string FormatName = "alm teacher probe";

    private const int CurrentVersion = 1;

    /// <summary>Ordinary prose, figures with a sign, and letters of other alphabets.</summary>
    public static IReadOnlyList<string> Texts { get; } =
    [
        "The ship left the harbour before dawn, and nobody on the quay waved.",
        "In 1998 the two rivers rose by 3.5 metres; 12 + 30 = 42.\nThen they fell.",
        "naïve café, über, Ελλάδα, Москва, 東京, 🙂",
    ];

    public static TeacherProbe Of(string? model, double[] logLikelihoods) => new(FormatName, CurrentVersion, model, logLikelihoods);

    /// <summary>Keeps the probe of a run's first start, or holds a later one against it.</summary>
    /// <exception cref="InputException">Another model answers now.</exception>
    public void KeepOrCompare(IStorage storage, string path, double allowed)
    {
        if (!storage.FileExists(path))
        {
            CheckedJson.Write(storage, path, this);
            return;
        }
        TeacherProbe first = CheckedJson.Read<TeacherProbe>(storage, path, FormatName, CurrentVersion, "delete it to accept the model that answers now as the run's teacher");
        if (first.Model != Model)
            throw Changed(path, $"the server's answers name model '{Model}', but they named '{first.Model}' when the run began");
        if (first.LogLikelihoods.Length != LogLikelihoods.Length)
            throw Changed(path, $"the probe texts have {LogLikelihoods.Length} scores, but they had {first.LogLikelihoods.Length} when the run began");
        double most = first.LogLikelihoods.Zip(LogLikelihoods, (a, b) => Math.Abs(a - b)).DefaultIfEmpty().Max();
        if (!(most <= allowed))
        {
            throw Changed(path, string.Create(
                CultureInfo.InvariantCulture, $"the scores of the probe texts have changed since the run began, by up to {most:G3} nats where teacher.probeError allows {allowed:G3}"));
        }
    }

    private static InputException Changed(string path, string what) => new(
        $"the model that answers is not the one this run began with: {what}; start the server with the first model, or start another run ({path} keeps the first answer)");
}
