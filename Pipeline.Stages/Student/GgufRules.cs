using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Student;

/// <summary>Whether a student that is to be written as GGUF can be, before it is trained: by its configuration and its tokenizer.</summary>
internal static class GgufRules
{
    private const string Key = "gguf";

    /// <param name="options">Of the stage that writes it.</param>
    /// <param name="student">Its student.</param>
    /// <param name="config">What the student begins with.</param>
    /// <param name="tokenizer">The student's; null where it is yet to be made.</param>
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
