using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>A student as a Hugging Face folder: weights, configuration, tokenizer.</summary>
internal static class StudentExport
{
    /// <summary>What is behind the name of a folder from which a student with input expansion was left out.</summary>
    public const string PlainSuffix = "-without-expansion";

    /// <summary>The result of a run. On the device's thread.</summary>
    public static void Write(LanguageModel student, UpdateStudentOptions options, StageContext context)
    {
        Write(student, RunPaths.Output(context.RunFolder, options.To), options.Dtype, context, student.Expansion);
        if (options.ExportWithoutExpansion && student.Expansion is not null)
            Write(student, RunPaths.Output(context.RunFolder, options.To + PlainSuffix), options.Dtype, context, null);
    }

    public static void Write(LanguageModel student, string folder, WeightType type, StageContext context, ExpandedInput? expansion)
    {
        string? source = context.Definition.Student?.Model is { } model ? RunPaths.Input(context.RunFolder, model) : null;
        int[] eos = student.Tokenizer.EosId is { } id ? [id] : [];
        context.Storage.CreateDirectory(folder);
        // While files are replaced no list may say what they were.
        context.Storage.DeleteFile(Path.Combine(folder, FileList.FileName));
        student.Tokenizer.Save(folder, context.Storage);
        expansion?.Save(folder, context.Storage, TorchType(type));
        // The configuration comes last: a folder that has it is whole.
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
