using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Models.Generation;

namespace Pipeline.Stages.Teacher.Gguf;

/// <summary>Continuations by a teacher in another process, one prompt after the other: drawn here, by the rule of the other teachers.</summary>
/// <param name="worker">Gives logits.</param>
/// <param name="ends">Tokens that end a text.</param>
/// <param name="validRows">Rows of the head that a token has; others are never chosen.</param>
internal sealed class GgufWriting(GgufWorkerClient worker, IReadOnlySet<int> ends, int validRows)
{
    private static readonly HashSet<int> s_seen = [];

    public IReadOnlyList<TeacherWriting> Write(WritingRequest request, CancellationToken cancellationToken)
        => [.. request.Prompts.Select((prompt, i) => Write(prompt, new TokenSampler(GenerationOptions.Of(request), request.Streams[i]), request.MaxNewTokens, cancellationToken))];

    private TeacherWriting Write(int[] prompt, TokenSampler sampler, int most, CancellationToken cancellationToken)
    {
        List<int> ids = [.. prompt];
        for (int i = 0; i < most; i++)
        {
            // A prompt is begun afresh, so that its answer is the same whatever was written before.
            float[] logits = worker.NextLogits(ids.ToArray(), goesOn: i > 0, cancellationToken);
            int next = sampler.Choose(logits.AsSpan(0, validRows), s_seen);
            if (ends.Contains(next))
                return new TeacherWriting([.. ids[prompt.Length..]], IsEnded: true);
            ids.Add(next);
        }
        return new TeacherWriting([.. ids[prompt.Length..]], IsEnded: false);
    }
}
