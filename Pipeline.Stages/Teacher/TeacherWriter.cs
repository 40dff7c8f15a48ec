using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models.Generation;
using static TorchSharp.torch;

namespace Pipeline.Stages.Teacher;

/// <summary>Continuations by a teacher whose weights are here. On the device's thread.</summary>
internal static class TeacherWriter
{
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
