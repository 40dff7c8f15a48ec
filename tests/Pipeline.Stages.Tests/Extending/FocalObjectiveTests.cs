using Pipeline.Contracts.Records;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Tests.Objectives;
using Pipeline.Stages.Tests.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Extending;

[Collection(TorchCollection.Name)]
public sealed class FocalObjectiveTests : TorchTest
{
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Tokens_that_are_known_count_less(double gamma)
    {
        // Three tokens of which the first has no likelihood.
        var example = new Example(new DocumentId(1, 2, 0), "abc", new TokenSequence([7, 8, 9], [0, 1, 2], null, [true, true, true]), null, []);
        BatchTables tables = BatchTables.From([example], 3, new ObjectivesOptions { Sft = new() });

        ObjectiveResult result = new FocalObjective(new() { Gamma = gamma }).Compute(new() { Tables = tables, LogLikelihood_N = log(tensor(new float[] { 1, 0.5f, 0.25f })) });

        Assert.Equal(2, result.Count);
        Assert.Equal(-(Math.Pow(0.5, gamma) * Math.Log(0.5)) - (Math.Pow(0.75, gamma) * Math.Log(0.25)), result.Sum.item<float>(), 1e-6);
    }
}
