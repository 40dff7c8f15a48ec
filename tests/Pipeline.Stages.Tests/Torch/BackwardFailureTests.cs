using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Tests.Torch;

[Collection(TorchCollection.Name)]
public sealed class BackwardFailureTests
{
    [Fact]
    public void What_a_backward_function_threw_is_thrown_where_torch_fails_too_and_never_again()
    {
        var first = new InvalidTimeZoneException("of the function");
        void Pass() => BackwardFailure.Catch(1, () => throw first);

        Assert.Same(first, Assert.Throws<InvalidTimeZoneException>(() => BackwardFailure.Run(Pass)));
        Assert.Same(first, Assert.Throws<InvalidTimeZoneException>(() => BackwardFailure.Run(() =>
        {
            Pass();
            throw new InvalidOperationException("of torch");
        })));
        BackwardFailure.Run(() => { });
        Assert.Throws<InvalidOperationException>(() => BackwardFailure.Run(() => throw new InvalidOperationException("of torch")));
    }
}
