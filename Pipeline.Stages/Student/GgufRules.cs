using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Student;

/// <summary>Checks, before training, that a student can be written as GGUF: by its configuration and its tokenizer.</summary>
internal static class GgufRules
{
    private const string Key = "gguf";

    /// <summary>What keeps the student from being written as GGUF; nothing if the stage writes none.</summary>
    /// <param name="options">The options of the stage that writes it.</param>
    /// <param name="student">The definition of the stage's student.</param>
    /// <param name="config">The configuration that the student starts with.</param>
    /// <param name="tokenizer">The student's tokenizer; null if an earlier flow is still to make it.</param>
    public static IEnumerable<RuleFinding> Of(UpdateStudentOptions options, StudentDefinition student, ModelConfig config, TextTokenizer? tokenizer)
    {
        if (options.Gguf is null)
            yield break;
        if (student.InputExpansion && !options.ExportWithoutExpansion)
            yield return new RuleFinding(Key, $"'{Key}' is given for a student with inputExpansion, which GGUF cannot express; set exportWithoutExpansion to true too, or leave {Key} out");
        if (student.Edit is not null)
            yield return new RuleFinding(Key, $"'{Key}' is given for a student with an edit of its activations, which GGUF cannot express; leave {Key} out");
        if (Refusal(config, tokenizer) is { } refusal)
            yield return new RuleFinding(Key, $"'{Key}': {refusal}; leave {Key} out");
    }

    private static string? Refusal(ModelConfig config, TextTokenizer? tokenizer)
    {
        try
        {
            GgufModelFile.Check(config, tokenizer);
            return null;
        }
        catch (InputException e)
        {
            return e.Message;
        }
    }
}
