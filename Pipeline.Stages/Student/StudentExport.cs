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

/// <summary>Writes a student as a Hugging Face folder: weights, configuration and tokenizer.</summary>
internal static class StudentExport
{
    /// <summary>The suffix of the folder that holds a student without its input expansion.</summary>
    public const string PlainSuffix = "-without-expansion";

    /// <summary>The suffix of the folder that holds only the low-rank updates.</summary>
    public const string AdapterSuffix = "-adapter";

    private const string GgufName = "model.gguf";

    /// <summary>Writes everything that the stage's options ask for. To be called on the device's thread.</summary>
    /// <returns>Remarks about the GGUF file, for the user.</returns>
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

    /// <summary>Checks at the beginning of a run that its result can be written at the end.</summary>
    /// <exception cref="Contracts.Errors.InputException">A GGUF file is asked for that cannot express the student.</exception>
    public static void Check(LanguageModel student, UpdateStudentOptions options)
    {
        if (options.Gguf is not null)
            GgufModelFile.Check(student);
    }

    /// <summary>Writes one model folder. To be called on the device's thread.</summary>
    /// <param name="student">The student.</param>
    /// <param name="folder">The full path of the folder. Existing files are replaced.</param>
    /// <param name="type">The number format of the weights.</param>
    /// <param name="run">The run. The generation config and the chat template are taken from the model that its student started from.</param>
    /// <param name="expansion">The input expansion to write with it; null to leave it out.</param>
    /// <param name="gguf">The number format of a GGUF file to write beside the weights; null for none.</param>
    /// <returns>Remarks about the GGUF file, for the user.</returns>
    public static IReadOnlyList<string> Write(LanguageModel student, string folder, WeightType type, RunSite run, ExpandedInput? expansion, GgufType? gguf = null)
    {
        string? source = run.Definition.Student?.Model is { } model ? run.Input(model) : null;
        int[] eos = student.Tokenizer.EosId is { } id ? [id] : [];
        run.Storage.CreateDirectory(folder);
        // While files are replaced, the old list of checksums would be wrong.
        run.Storage.DeleteFile(Path.Combine(folder, FileList.FileName));
        student.Tokenizer.Save(folder, run.Storage);
        expansion?.Save(folder, run.Storage, TorchType(type));
        student.Edit?.SaveInto(folder, run.Storage);
        // The model is saved last, and its configuration last of all, so that a folder with a configuration has everything else that a model needs.
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
