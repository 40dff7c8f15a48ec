using Pipeline.Stages.Models;
using Pipeline.Stages.Tests.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Models;

[Collection(TorchCollection.Name)]
public sealed class VocabularyHeadTests
{
    private const int Positions = 23, Rows = 61, Valid = 57, Width = 12;

    public static TheoryData<double?, int, bool, bool, int> Cases
    {
        get
        {
            TheoryData<double?, int, bool, bool, int> cases = [];
            foreach (double? softcap in new double?[] { null, 3 })
            {
                foreach (int valid in new[] { 0, Valid })
                {
                    foreach ((bool boundary, bool many) in new[] { (false, false), (true, false), (false, true), (true, true) })
                        cases.Add(softcap, valid, boundary, many, valid == 0 ? 5 : 1000);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Values_and_gradients_are_those_of_the_plain_computation(double? softcap, int validRows, bool boundary, bool many, int slice)
    {
        using DisposeScope scope = NewDisposeScope();
        Inputs inputs = new(softcap is null ? 1 : 4);
        HeadOptions options = new(softcap, validRows, boundary ? inputs.Boundary : null, slice, KeepTokens: 0, ManyLosses: many);
        (Tensor hidden, Tensor head) = inputs.Leaves();
        HeadScores scores = VocabularyHead.Score(hidden, head, inputs.Targets, options);
        (Tensor plainHidden, Tensor plainHead) = inputs.Leaves();
        (Tensor LogLikelihood, Tensor? LogBoundary) plain = Plain(plainHidden, plainHead, inputs.Targets, options);
        Loss(scores, inputs).backward();
        Loss(plain, inputs).backward();
        Near(plain.LogLikelihood, scores.LogLikelihood);
        Assert.Equal(boundary, scores.LogBoundary is not null);
        if (boundary)
            Near(plain.LogBoundary!, scores.LogBoundary!);
        Near(plainHidden.grad!, hidden.grad!);
        Near(plainHead.grad!, head.grad!);
        // Some logits kept, or all that fit; a second pass over the graph must find them as the first did.
        foreach (int keep in new[] { 12, Positions })
        {
            (Tensor keptHidden, Tensor keptHead) = inputs.Leaves();
            HeadScores kept = VocabularyHead.Score(keptHidden, keptHead, inputs.Targets, options with { KeepTokens = keep });
            Near(scores.LogLikelihood, kept.LogLikelihood, 0);
            Tensor loss = Loss(kept, inputs);
            loss.backward(retain_graph: true);
            loss.backward();
            Near(hidden.grad! * 2, keptHidden.grad!);
            Near(head.grad! * 2, keptHead.grad!);
        }
    }

    [Theory]
    [InlineData(4096, 128_256, 1024, false, 614)]
    [InlineData(4096, 128_256, 1024, true, 614)]
    [InlineData(4096, 128_256, 64, false, 128)]
    [InlineData(256, 128_256, 1024, false, 65)]
    [InlineData(32_768, 128_256, 1024, false, 1046)]
    [InlineData(32_768, 128_256, 64, false, 261)]
    [InlineData(8, 128_256, 64, false, 8)]
    public void Slices_are_large_where_the_head_is_wide_and_fit_into_a_sixteenth_of_the_plain_way(int positions, int rows, int width, bool boundary, int slice)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor Shape(params long[] shape) => empty(1).expand(shape);
        HeadProblem problem = new(
            Shape(positions, width), Shape(rows, width), zeros(positions, dtype: ScalarType.Int64), new HeadOptions(BoundaryMask: boundary ? ones(rows, dtype: ScalarType.Bool) : null));
        Assert.Equal((slice, 0), (problem.Slice, problem.Kept));
        // Below some hundred positions there is little to save.
        Assert.True(problem.Slice <= 65 || problem.Slice <= positions / 6);
    }

    [Theory]
    [InlineData(256, 2048)]
    [InlineData(255, 0)]
    public void Few_logits_are_all_kept_where_they_cost_more_to_compute(int width, int kept)
    {
        using DisposeScope scope = NewDisposeScope();
        Assert.Equal(kept, new HeadProblem(empty(2048, width), empty(4096, width), zeros(2048, dtype: ScalarType.Int64), new HeadOptions()).Kept);
    }

    [Theory]
    [InlineData(false, null)]
    [InlineData(true, null)]
    [InlineData(true, 400.0)]
    public void A_boundary_mass_that_underflows_keeps_its_digits_and_its_gradient(bool many, double? softcap)
    {
        using DisposeScope scope = NewDisposeScope();
        // Scores spread over hundreds of nats: the boundary's share is below what float32 can hold beside 1.
        Inputs inputs = new(30);
        HeadOptions options = new(softcap, BoundaryMask: inputs.Boundary, SliceTokens: 4, ManyLosses: many);
        (Tensor hidden, Tensor head) = inputs.Leaves();
        HeadScores scores = VocabularyHead.Score(hidden, head, inputs.Targets, options);
        (Tensor plainHidden, Tensor plainHead) = inputs.Leaves();
        (Tensor LogLikelihood, Tensor? LogBoundary) plain = Plain(plainHidden, plainHead, inputs.Targets, options);
        Assert.True(plain.LogBoundary!.min().item<float>() < -100, "the case must be extreme");
        Near(plain.LogBoundary!, scores.LogBoundary!, 2e-5);
        scores.LogBoundary!.sum().backward();
        plain.LogBoundary!.sum().backward();
        Near(plainHidden.grad!, hidden.grad!, 2e-5);
        Near(plainHead.grad!, head.grad!, 2e-5);
    }

    [Fact]
    public void Without_gradients_the_values_are_the_same_and_nothing_is_recorded()
    {
        using DisposeScope scope = NewDisposeScope();
        Inputs inputs = new(1);
        HeadOptions options = new(5, Valid, inputs.Boundary, 6);
        (Tensor hidden, Tensor head) = inputs.Leaves();
        HeadScores recorded = VocabularyHead.Score(hidden, head, inputs.Targets, options);
        using IDisposable quiet = no_grad();
        HeadScores scores = VocabularyHead.Score(hidden, head, inputs.Targets, options);
        Assert.False(scores.LogLikelihood.requires_grad);
        Assert.Equal(0, (recorded.LogLikelihood - scores.LogLikelihood).abs().max().item<float>());
        Assert.Equal(0, (recorded.LogBoundary! - scores.LogBoundary!).abs().max().item<float>());
    }

    [Fact]
    public void Rows_without_a_token_have_no_probability_and_no_gradient()
    {
        using DisposeScope scope = NewDisposeScope();
        Inputs inputs = new(1);
        (Tensor hidden, Tensor head) = inputs.Leaves();
        HeadScores scores = VocabularyHead.Score(hidden, head, inputs.Targets, new HeadOptions(ValidRows: Valid, BoundaryMask: ones(Rows, dtype: ScalarType.Bool, device: TestDevice.Device)));
        Assert.Equal(0, scores.LogBoundary!.abs().max().item<float>(), 1e-5);
        scores.LogLikelihood.sum().backward();
        Assert.Equal(0, head.grad!.narrow(0, Valid, Rows - Valid).abs().max().item<float>());
        Assert.NotEqual(0, head.grad!.narrow(0, 0, Valid).abs().max().item<float>());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_frozen_side_gets_no_gradient(bool hiddenFrozen)
    {
        using DisposeScope scope = NewDisposeScope();
        Inputs inputs = new(1);
        (Tensor hidden, Tensor head) = inputs.Leaves();
        (hiddenFrozen ? hidden : head).requires_grad = false;
        VocabularyHead.Score(hidden, head, inputs.Targets, new HeadOptions()).LogLikelihood.sum().backward();
        Assert.Equal(hiddenFrozen, hidden.grad is null);
        Assert.Equal(!hiddenFrozen, head.grad is null);
    }

    [Fact]
    public void An_output_nobody_uses_does_no_harm()
    {
        using DisposeScope scope = NewDisposeScope();
        Inputs inputs = new(1);
        (Tensor hidden, Tensor head) = inputs.Leaves();
        HeadScores scores = VocabularyHead.Score(hidden, head, inputs.Targets, new HeadOptions(BoundaryMask: inputs.Boundary));
        scores.LogBoundary!.sum().backward();
        (Tensor plainHidden, Tensor plainHead) = inputs.Leaves();
        Plain(plainHidden, plainHead, inputs.Targets, new HeadOptions(BoundaryMask: inputs.Boundary)).LogBoundary!.sum().backward();
        Near(plainHidden.grad!, hidden.grad!);
        Near(plainHead.grad!, head.grad!);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Several_losses_go_back_through_one_pass_one_after_the_other(bool many, bool isMost)
    {
        using DisposeScope scope = NewDisposeScope();
        Inputs inputs = new(1);
        // The boundary's part is computed by its own tokens or by all others, whichever are fewer.
        HeadOptions options = new(BoundaryMask: isMost ? inputs.Boundary.logical_not() : inputs.Boundary, SliceTokens: 5, ManyLosses: many);
        (Tensor hidden, Tensor head) = inputs.Leaves();
        (Tensor plainHidden, Tensor plainHead) = inputs.Leaves();
        HeadScores scores = VocabularyHead.Score(hidden, head, inputs.Targets, options);
        (Tensor LogLikelihood, Tensor? LogBoundary) plain = Plain(plainHidden, plainHead, inputs.Targets, options);
        Tensor[] losses = [scores.LogLikelihood.sum(), scores.LogBoundary!.sum(), scores.LogLikelihood.square().sum()];
        Tensor[] expected = [plain.LogLikelihood.sum(), plain.LogBoundary!.sum(), plain.LogLikelihood.square().sum()];
        List<IList<Tensor>> found = [.. losses.Select(loss => autograd.grad([loss], [hidden, head], retain_graph: true))];
        for (int i = 0; i < losses.Length; i++)
        {
            IList<Tensor> wanted = autograd.grad([expected[i]], [plainHidden, plainHead], retain_graph: true);
            Near(wanted[0], found[i][0]);
            Near(wanted[1], found[i][1]);
        }
    }

    [Theory]
    [InlineData(-2)]
    [InlineData(Valid)]
    public void A_target_that_is_no_token_is_refused(long target)
    {
        using DisposeScope scope = NewDisposeScope();
        Inputs inputs = new(1);
        Assert.Throws<ArgumentException>(() => { VocabularyHead.Score(inputs.Hidden, inputs.Head, full([Positions], target, dtype: ScalarType.Int64, device: TestDevice.Device), new HeadOptions(ValidRows: Valid)); });
    }

    [Fact]
    public void A_boundary_mask_without_a_token_is_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        Inputs inputs = new(1);
        Assert.Throws<ArgumentException>(() => { VocabularyHead.Score(inputs.Hidden, inputs.Head, inputs.Targets, new HeadOptions(BoundaryMask: zeros(Rows, dtype: ScalarType.Bool, device: TestDevice.Device))); });
    }

    // The whole matrix at once, with torch's own gradients.
    private static (Tensor LogLikelihood, Tensor? LogBoundary) Plain(Tensor hidden, Tensor head, Tensor targets, HeadOptions options)
    {
        int valid = options.ValidRows == 0 ? (int)head.size(0) : options.ValidRows;
        Tensor z = matmul(hidden, head.narrow(0, 0, valid).t());
        if (options.Softcap is { } c)
            z = (z / c).tanh() * c;
        Tensor logP = nn.functional.log_softmax(z, 1);
        Tensor likelihood = logP.gather(1, targets.clamp_min(0).unsqueeze(1)).squeeze(1).masked_fill(targets.lt(0), 0);
        Tensor? boundary = options.BoundaryMask is { } mask ? logP.masked_fill(mask.narrow(0, 0, valid).logical_not(), double.NegativeInfinity).logsumexp(1) : null;
        return (likelihood, boundary);
    }

    private static Tensor Loss((Tensor LogLikelihood, Tensor? LogBoundary) scores, Inputs inputs)
    {
        Tensor loss = (scores.LogLikelihood * inputs.Weights[0]).sum();
        return scores.LogBoundary is { } boundary ? loss + (boundary * inputs.Weights[1]).sum() : loss;
    }

    private static Tensor Loss(HeadScores scores, Inputs inputs) => Loss((scores.LogLikelihood, scores.LogBoundary), inputs);

    private static void Near(Tensor expected, Tensor found, double tolerance = 1e-5)
    {
        double limit = tolerance * Math.Max(1, expected.abs().max().item<float>());
        double off = (expected.detach() - found.detach()).abs().max().item<float>();
        Assert.True(off <= limit, $"off by {off}, limit {limit}");
    }

    private sealed class Inputs
    {
        public Inputs(double spread)
        {
            using Generator generator = new(17);
            Hidden = Draw(Positions, Width);
            Head = Draw(Rows, Width) * spread;
            Targets = randint(0, Valid, [Positions], ScalarType.Int64, CPU, generator: generator).to(TestDevice.Device);
            Targets[3] = tensor(-1L);
            Boundary = (arange(Rows) % 5).eq(1).to(TestDevice.Device);
            Weights = [.. Enumerable.Range(0, 2).Select(_ => Draw(Positions))];

            Tensor Draw(params long[] shape) => randn(shape, ScalarType.Float32, CPU, generator: generator).to(TestDevice.Device);
        }

        public Tensor Hidden { get; }

        public Tensor Head { get; }

        public Tensor Targets { get; }

        public Tensor Boundary { get; }

        public Tensor[] Weights { get; }

        public (Tensor Hidden, Tensor Head) Leaves() => (Hidden.detach().clone().requires_grad_(), Head.detach().clone().requires_grad_());
    }
}
