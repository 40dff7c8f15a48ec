using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Alignment;

namespace Pipeline.Stages.Documents;

internal sealed class AlignMap(IStageMeter meter) : IMap<TokenizedPair, AlignedPair>
{
    public static StageRegistration Registration { get; } = StageRegistration.Map<AlignOptions, TokenizedPair, AlignedPair, AlignMap>(
        "align",
        "Finds the smallest pairs of token runs of both sides that end on the same byte.",
        static (_, c) => new AlignMap(c.Meter));

    public IReadOnlyList<AlignedPair> Map(TokenizedPair input)
    {
        input.Teacher.Validate();
        input.Student.Validate();
        Chunk[] chunks = ChunkAligner.Align(input.Teacher, input.Student);
        meter.Count("teacherTokens", input.Teacher.Count);
        meter.Count("studentTokens", input.Student.Count);
        meter.Count("chunks", chunks.Length);
        return [new AlignedPair(input.Id, input.Text, input.Teacher, input.Student, chunks)];
    }
}
