using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Language;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Student;

/// <summary>
/// The student before training, as a model folder in the run folder. Reports compare the trained student with it. For a transfer without training it
/// is the result itself.
/// </summary>
internal static class InitialStudent
{
    private const string Suffix = "-initial";

    /// <summary>The folder of the run's own student, below the run folder. A report may ask for it in a run that trains nothing.</summary>
    public const string Name = "student" + Suffix;

    /// <summary>The folder, below the run folder, of the untrained student of a stage that writes to <paramref name="to"/>.</summary>
    public static string NameOf(string to) => to + Suffix;

    /// <summary>The full path of <see cref="Name"/>, which is written first if it does not exist. May be called from any thread.</summary>
    public static async Task<string> EnsureAsync(RunSite run, TorchDevice device, CancellationToken cancellationToken)
    {
        string folder = run.Output(Name);
        if (IsWritten(folder, run.Storage)) return folder;
        await device.RunAsync(() =>
        {
            using LanguageModel student = StudentFactory.Create(run, device);
            StudentExport.Write(student, folder, WeightType.Float32, run, student.Expansion);
        }, cancellationToken).ConfigureAwait(false);
        return folder;
    }

    /// <summary>Writes a student that is loaded and still untrained, if its folder does not exist yet. To be called on the device's thread.</summary>
    /// <param name="student">The student.</param>
    /// <param name="to">The stage's own output folder, below the run folder.</param>
    /// <param name="run">The run.</param>
    public static void Ensure(LanguageModel student, string to, RunSite run)
    {
        string folder = run.Output(NameOf(to));
        if (!IsWritten(folder, run.Storage)) StudentExport.Write(student, folder, WeightType.Float32, run, student.Expansion);
    }

    // The list of checksums is written last, so a folder that has one is complete. A repair that finds damage removes the list.
    private static bool IsWritten(string folder, IStorage storage) => storage.FileExists(Path.Combine(folder, FileList.FileName));
}
