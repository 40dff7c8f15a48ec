using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Language;
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

    /// <summary>Its folder; written now when it is not there. Safe to call from any thread.</summary>
    public static async Task<string> EnsureAsync(StageContext context, CancellationToken cancellationToken)
    {
        string folder = RunPaths.Output(context.RunFolder, Name);
        if (IsWritten(folder, context.Storage)) return folder;
        TorchDevice device = context.Service<TorchDevice>();
        await device.RunAsync(() =>
        {
            using LanguageModel student = StudentFactory.Create(context, device);
            StudentExport.Write(student, folder, WeightType.Float32, context, student.Expansion);
        }, cancellationToken).ConfigureAwait(false);
        return folder;
    }

    /// <summary>Writes a student that is at hand and untrained, beside the folder that the result goes to. On the device's thread.</summary>
    public static void Ensure(LanguageModel student, string to, StageContext context)
    {
        string folder = RunPaths.Output(context.RunFolder, to + Suffix);
        if (!IsWritten(folder, context.Storage)) StudentExport.Write(student, folder, WeightType.Float32, context, student.Expansion);
    }

    // The list of checksums is written last, so a folder that has it is whole; a repair that finds damage takes it away.
    private static bool IsWritten(string folder, IStorage storage) => storage.FileExists(Path.Combine(folder, FileList.FileName));
}
