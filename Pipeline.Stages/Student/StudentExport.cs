using Pipeline.Contracts.Formats;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Peft;
using Pipeline.Stages.Sides;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>A student as a Hugging Face folder: weights, configuration, tokenizer.</summary>
internal static class StudentExport
{
    /// <summary>What is behind the name of a folder from which a student with input expansion was left out.</summary>
    public const string PlainSuffix = "-without-expansion";

    /// <summary>What is behind the name of a folder with the low-rank updates alone.</summary>
    public const string AdapterSuffix = "-adapter";

    /// <summary>The result of a run. On the device's thread.</summary>
    public static void Write(LanguageModel student, UpdateStudentOptions options, RunSite run)
    {
        Write(student, run.Output(options.To), options.Dtype, run, student.Expansion);
        if (options.ExportWithoutExpansion && student.Expansion is not null)
            Write(student, run.Output(options.To + PlainSuffix), options.Dtype, run, null);
        if (options.ExportAdapter)
            PeftFolder.Write(student.Model, options.Lora, InitialStudent.NameOf(options.To), run.Output(options.To + AdapterSuffix), TorchType(options.Dtype), run.Storage);
    }

    public static void Write(LanguageModel student, string folder, WeightType type, RunSite run, ExpandedInput? expansion)
    {
        string? source = run.Definition.Student?.Model is { } model ? run.Input(model) : null;
        int[] eos = student.Tokenizer.EosId is { } id ? [id] : [];
        run.Storage.CreateDirectory(folder);
        // While files are replaced no list may say what they were.
        run.Storage.DeleteFile(Path.Combine(folder, FileList.FileName));
        student.Tokenizer.Save(folder, run.Storage);
        expansion?.Save(folder, run.Storage, TorchType(type));
        student.Edit?.SaveInto(folder, run.Storage);
        // The configuration comes last: a folder that has it is whole.
        student.Model.Save(folder, run.Storage, new ExportOptions(
            TorchType(type), SourceFolder: source, Marks: new TokenizerMarks(student.Tokenizer.BosId, eos, student.Tokenizer.PadId)));
        FileList.WriteFor(run.Storage, folder);
    }

    public static ScalarType TorchType(WeightType type) => type switch
    {
        WeightType.Bfloat16 => ScalarType.BFloat16,
        WeightType.Float16 => ScalarType.Float16,
        _ => ScalarType.Float32,
    };
}
