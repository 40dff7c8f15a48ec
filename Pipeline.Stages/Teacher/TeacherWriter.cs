using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models.Generation;
using static TorchSharp.torch;

namespace Pipeline.Stages.Teacher;

/// <summary>Continues prompts with a teacher that is in this process. To be called on the device's thread.</summary>
internal static class TeacherWriter
{
    /// <summary>Continues all prompts of a request, as one batch.</summary>
    /// <param name="teacher">The model.</param>
    /// <param name="ends">The tokens that end a text.</param>
    /// <param name="request">The prompts, and how tokens are chosen.</param>
    /// <returns>One continuation for each prompt, in the order of the prompts.</returns>
    /// <exception cref="Contracts.Errors.InputException">A prompt has an id for which the model has no row.</exception>
    public static IReadOnlyList<TeacherWriting> Write(LanguageModel teacher, IReadOnlySet<int> ends, WritingRequest request)
    {
        using IDisposable quiet = no_grad();
        foreach (int[] prompt in request.Prompts) teacher.CheckIds(prompt);
        var ids = Array.ConvertAll(new int[request.Prompts.Count], _ => new List<int>());
        bool[] isEnded = new bool[request.Prompts.Count];
        foreach (GeneratedToken token in teacher.Generator(GenerationOptions.Of(request)).Run(request.Prompts, ends, teacher.ValidRows, streams: request.Streams))
        {
            isEnded[token.Prompt] = ends.Contains(token.Id);
            if (!isEnded[token.Prompt]) ids[token.Prompt].Add(token.Id);
        }
        return [.. ids.Select((i, p) => new TeacherWriting([.. i], isEnded[p]))];
    }
}
