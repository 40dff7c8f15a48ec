using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>A student as a Hugging Face folder: weights, configuration, tokenizer.</summary>
internal static class StudentExport
{
    public static void Write(StudentModel student, UpdateStudentOptions options, StageContext context)
        => Write(student, RunPaths.Output(context.RunFolder, options.To), options.Dtype, context);

    public static void Write(StudentModel student, string folder, WeightType type, StageContext context)
    {
        string? source = context.Definition.Student?.Model is { } model ? RunPaths.Input(context.RunFolder, model) : null;
        int[] eos = student.Tokenizer.EosId is { } id ? [id] : [];
        context.Storage.CreateDirectory(folder);
        // While files are replaced no list may say what they were.
        context.Storage.DeleteFile(Path.Combine(folder, FileList.FileName));
        student.Tokenizer.Save(folder, context.Storage);
        student.Model.Save(folder, context.Storage, new ExportOptions(
            TorchType(type), SourceFolder: source, Marks: new TokenizerMarks(student.Tokenizer.BosId, eos, student.Tokenizer.PadId)));
        FileList.WriteFor(context.Storage, folder);
    }

    private static ScalarType TorchType(WeightType type) => type switch
    {
        WeightType.Bfloat16 => ScalarType.BFloat16,
        WeightType.Float16 => ScalarType.Float16,
        _ => ScalarType.Float32,
    };
}
