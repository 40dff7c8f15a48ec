using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Teacher;

/// <summary>The options of the <c>score-teacher</c> stage.</summary>
internal sealed record ScoreTeacherOptions : IAsksTeacher
{
    [Description("Teacher tokens of one forward pass, padding included: rows times the longest row. Lower it when memory runs out.")]
    [Range(1, 1 << 24)]
    public int BatchTokens { get; init; } = 8192;

    [Description("Number of documents that are sorted by length together. More means less padding and more memory.")]
    [Range(1, 1 << 20)]
    public int Window { get; init; } = 2048;

    [Description("Teacher hidden states to keep at chunk ends, for the latents objective: 0 is the embedding output, -1 the last layer. Absent: none.")]
    public IReadOnlyList<int>? HiddenLayers { get; init; }

    [Description("Distributions over the next byte to keep at every byte, for the bytes objective. trunk sums what the ordinary pass computes anyway; exact also asks the teacher about other tokens, which costs a few passes.")]
    public NextByteKnowledge Bytes { get; init; } = NextByteKnowledge.None;

    [Description("For bytes exact: contexts with at most this share of the text's probability are left out, and the share left out is counted. 0 leaves none out.")]
    [Range(0.0, 1.0)]
    public double PruneShare { get; init; } = 1e-3;

    [Description("Largest number of bytes kept at one position; the others are summed into one number.")]
    [Range(1, 256)]
    public int MaxKept { get; init; } = 16;

    [Description("The most likely bytes are kept until they and the end hold this share of the probability.")]
    [Range(0.0, 1.0)]
    public double KeepShare { get; init; } = 0.99;

    /// <summary>The next bytes that the teacher is asked for; null if none are.</summary>
    internal NextBytesAsked? NextBytes
        => Bytes == NextByteKnowledge.None ? null : new NextBytesAsked(Bytes, Bytes == NextByteKnowledge.Exact ? PruneShare : 0, MaxKept, KeepShare);

    IEnumerable<TeacherNeed> IAsksTeacher.TeacherNeeds
    {
        get
        {
            if (HiddenLayers is not null)
                yield return TeacherNeed.HiddenStates("hiddenLayers", "leave it out");
            if (Bytes != NextByteKnowledge.None)
                yield return TeacherNeed.Bytes("bytes", Bytes, "leave it out");
        }
    }
}
