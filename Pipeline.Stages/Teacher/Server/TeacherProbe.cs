using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Teacher.Server;

/// <summary>
/// The scores that a server gave for fixed texts when the run began. Only the name of a server's model is known, and not a hash of its weights. If the
/// server gives other scores later, another model is answering.
/// </summary>
/// <param name="Format">The name of the file's format.</param>
/// <param name="Version">The version of the format.</param>
/// <param name="Model">The model's name in the server's answers; null if they have none.</param>
/// <param name="LogLikelihoods">The log-likelihood of each token, in nats: text after text, without the first token of each.</param>
internal sealed record TeacherProbe(string Format, int Version, string? Model, double[] LogLikelihoods)
{
    private const string FormatName = "alm teacher probe";

    private const int CurrentVersion = 1;

    /// <summary>The texts: ordinary prose, numbers and signs, and other scripts.</summary>
    public static IReadOnlyList<string> Texts { get; } =
    [
        "The ship left the harbour before dawn, and nobody on the quay waved.",
        "In 1998 the two rivers rose by 3.5 metres; 12 + 30 = 42.\nThen they fell.",
        "naïve café, über, Ελλάδα, Москва, 東京, 🙂",
    ];

    /// <summary>The probe for scores that a server has just given.</summary>
    public static TeacherProbe Of(string? model, double[] logLikelihoods) => new(FormatName, CurrentVersion, model, logLikelihoods);

    /// <summary>Writes this probe to a file when the run begins. Later it compares this probe with that file.</summary>
    /// <param name="storage">The storage that has the file.</param>
    /// <param name="path">The full path of the file.</param>
    /// <param name="allowed">By how many nats a score may differ.</param>
    /// <exception cref="InputException">Another model answers now, or the file has a version that this program does not read.</exception>
    /// <exception cref="DamagedException">The file is damaged.</exception>
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
