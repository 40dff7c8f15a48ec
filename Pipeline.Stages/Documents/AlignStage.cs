using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Alignment;

namespace Pipeline.Stages.Documents;

internal sealed class AlignStage(IStageMeter meter) : IMap<TokenizedPair, AlignedPair>
{
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
