using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Student;

/// <summary>
/// The student before any step, as a model folder in the run folder: what a report compares with, and for a zero-shot transfer of
/// embeddings the result itself.
/// </summary>
internal static class InitialStudent
{
    public const string Name = "student-initial";

    /// <summary>Its folder; written now when it is not there. Safe to call from any thread.</summary>
    public static async Task<string> EnsureAsync(StageContext context, CancellationToken cancellationToken)
    {
        string folder = Folder(context);
        if (IsWritten(folder, context.Storage)) return folder;
        TorchDevice device = context.Service<TorchDevice>();
        await device.RunAsync(() =>
        {
            using StudentModel student = StudentFactory.Create(context, device);
            Ensure(student, context);
        }, cancellationToken).ConfigureAwait(false);
        return folder;
    }

    /// <summary>Writes a student that is at hand and untrained. Must be called on the device's thread.</summary>
    public static void Ensure(StudentModel student, StageContext context)
    {
        if (!IsWritten(Folder(context), context.Storage)) StudentExport.Write(student, Folder(context), WeightType.Float32, context);
    }

    private static string Folder(StageContext context) => RunPaths.Output(context.RunFolder, Name);

    // The configuration is written last, so a folder that has it is whole.
    private static bool IsWritten(string folder, IStorage storage) => storage.FileExists(Path.Combine(folder, ModelConfig.FileName));
}
