using Pipeline.Stages.NextBytes;

namespace Pipeline.Stages.Tests.NextBytes;

/// <summary>Sums of every range of a short list, up to its very end, against adding one number after another.</summary>
public sealed class RangeSumTests
{
    [Fact]
    public void A_sum_is_of_the_numbers_of_its_range_and_no_others()
    {
        var random = new Random(5);
        float[] values = [.. Enumerable.Range(0, 80).Select(_ => MathF.Exp(20 * random.NextSingle() - 10))];
        double[] wide = Array.ConvertAll(values, value => (double)value);
        for (int start = 0; start <= values.Length; start++)
        {
            for (int end = start; end <= values.Length; end++)
            {
                double expected = wide[start..end].Sum();
                // Ranges of float32 with more than 16 numbers are summed in float32, hence the tolerance.
                Assert.Equal(expected, RangeSum.Of<float>(values, start, end), 1e-5 * expected);
                Assert.Equal(expected, RangeSum.Of<double>(wide, start, end), 1e-12 * expected);
                Assert.Equal(expected, RangeSum.Of(wide.AsSpan(start, end - start)), 1e-12 * expected);
            }
        }
    }
}
