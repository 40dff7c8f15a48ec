using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;

namespace Pipeline.Stages.Alignment;

internal sealed class AlignStage(StageContext context) : IMap<TokenizedPair, AlignedPair>
{
    public IReadOnlyList<AlignedPair> Map(TokenizedPair input)
    {
        input.Teacher.Validate();
        input.Student.Validate();
        Chunk[] chunks = ChunkAligner.Align(input.Teacher, input.Student);
        context.Meter.Count("teacherTokens", input.Teacher.Count);
        context.Meter.Count("studentTokens", input.Student.Count);
        context.Meter.Count("chunks", chunks.Length);
        return [new AlignedPair(input.Id, input.Text, input.Teacher, input.Student, chunks)];
    }
}
