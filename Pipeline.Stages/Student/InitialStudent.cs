using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Language;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Student;

/// <summary>
/// The student before any step, as a model folder in the run folder: what a report compares with, and for a zero-shot transfer of
/// embeddings the result itself.
/// </summary>
internal static class InitialStudent
{
    private const string Suffix = "-initial";

    /// <summary>That of the definition's student, which a report may ask for without a training run.</summary>
    public const string Name = "student" + Suffix;

    /// <summary>The folder, below the run folder, of the student before training that a stage writes to <paramref name="to"/>.</summary>
    public static string NameOf(string to) => to + Suffix;

    /// <summary>Its folder; written now when it does not exist. Safe to call from any thread.</summary>
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

    /// <summary>Writes a student that is loaded and untrained, next to the folder that the result goes to. On the device's thread.</summary>
    public static void Ensure(LanguageModel student, string to, RunSite run)
    {
        string folder = run.Output(NameOf(to));
        if (!IsWritten(folder, run.Storage)) StudentExport.Write(student, folder, WeightType.Float32, run, student.Expansion);
    }

    // The list of checksums is written last, so a folder that has it is whole; a repair that finds damage takes it away.
    private static bool IsWritten(string folder, IStorage storage) => storage.FileExists(Path.Combine(folder, FileList.FileName));
}
