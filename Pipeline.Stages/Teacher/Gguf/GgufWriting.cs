using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Models.Generation;

namespace Pipeline.Stages.Teacher.Gguf;

/// <summary>
/// Continues prompts with a teacher in llama.cpp, one prompt after the other. llama.cpp gives only the logits. Tokens are drawn in this process, in the
/// same way as for a teacher that is in it.
/// </summary>
/// <param name="worker">The process of llama.cpp. It stays the caller's.</param>
/// <param name="ends">The tokens that end a text.</param>
/// <param name="validRows">How many rows of the head belong to a token. Further rows are never chosen.</param>
internal sealed class GgufWriting(GgufWorkerClient worker, IReadOnlySet<int> ends, int validRows)
{
    private static readonly HashSet<int> s_seen = [];

    /// <summary>One continuation for each prompt, in the order of the prompts.</summary>
    public IReadOnlyList<TeacherWriting> Write(WritingRequest request, CancellationToken cancellationToken)
        => [.. request.Prompts.Select((prompt, i) => Write(prompt, new TokenSampler(GenerationOptions.Of(request), request.Streams[i]), request.MaxNewTokens, cancellationToken))];

    private TeacherWriting Write(int[] prompt, TokenSampler sampler, int most, CancellationToken cancellationToken)
    {
        List<int> ids = [.. prompt];
        for (int i = 0; i < most; i++)
        {
            // A prompt's first call computes all of it anew, so that the continuation does not depend on what was written before.
            float[] logits = worker.NextLogits(ids.ToArray(), goesOn: i > 0, cancellationToken);
            int next = sampler.Choose(logits.AsSpan(0, validRows), s_seen);
            if (ends.Contains(next))
                return new TeacherWriting([.. ids[prompt.Length..]], IsEnded: true);
            ids.Add(next);
        }
        return new TeacherWriting([.. ids[prompt.Length..]], IsEnded: false);
    }
}
