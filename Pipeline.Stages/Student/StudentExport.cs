using Pipeline.Contracts.Formats;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Peft;
using Pipeline.Stages.Sides;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>A student as a Hugging Face folder: weights, configuration, tokenizer.</summary>
internal static class StudentExport
{
    /// <summary>Suffix of the folder of a student without its input expansion.</summary>
    public const string PlainSuffix = "-without-expansion";

    /// <summary>Suffix of a folder with only the low-rank updates.</summary>
    public const string AdapterSuffix = "-adapter";

    private const string GgufName = "model.gguf";

    /// <summary>The result of a run, and what is to be said of it. On the device's thread.</summary>
    public static IReadOnlyList<string> Write(LanguageModel student, UpdateStudentOptions options, RunSite run)
    {
        bool isPlain = options.ExportWithoutExpansion && student.Expansion is not null;
        IReadOnlyList<string> remarks = Write(student, run.Output(options.To), options.Dtype, run, student.Expansion, isPlain ? null : options.Gguf);
        if (isPlain)
            remarks = Write(student, run.Output(options.To + PlainSuffix), options.Dtype, run, null, options.Gguf);
        if (options.ExportAdapter)
            PeftFolder.Write(student.Model, options.Lora, InitialStudent.NameOf(options.To), run.Output(options.To + AdapterSuffix), TorchType(options.Dtype), run.Storage);
        return remarks;
    }

    /// <summary>What the end of a run would find out is found out at its beginning.</summary>
    /// <exception cref="Contracts.Errors.InputException">A GGUF is asked for that cannot say the student.</exception>
    public static void Check(LanguageModel student, UpdateStudentOptions options)
    {
        if (options.Gguf is not null)
            GgufModelFile.Check(student);
    }

    public static IReadOnlyList<string> Write(LanguageModel student, string folder, WeightType type, RunSite run, ExpandedInput? expansion, GgufType? gguf = null)
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
        IReadOnlyList<string> remarks = gguf is { } format
            ? GgufModelFile.Write(student, Path.Combine(folder, GgufName), format, ChatTemplate.Find(folder, run.Storage), run.Storage)
            : [];
        FileList.WriteFor(run.Storage, folder);
        return remarks;
    }

    public static ScalarType TorchType(WeightType type) => type switch
    {
        WeightType.Bfloat16 => ScalarType.BFloat16,
        WeightType.Float16 => ScalarType.Float16,
        _ => ScalarType.Float32,
    };
}
