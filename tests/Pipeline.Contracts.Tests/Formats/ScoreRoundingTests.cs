using Pipeline.Contracts.Formats;

namespace Pipeline.Contracts.Tests.Formats;

public sealed class ScoreRoundingTests
{
    [Theory]
    [InlineData(ScorePrecision.Bits16, 5, 10, -14)]
    [InlineData(ScorePrecision.Bits12, 5, 7, -14)]
    [InlineData(ScorePrecision.Bits8, 4, 4, -10)]
    public void A_score_becomes_the_nearest_value_of_its_bits(ScorePrecision precision, int exponentBits, int mantissaBits, int leastExponent)
    {
        double[] values = Values(exponentBits, mantissaBits, leastExponent);
        var random = new Random(17);
        for (int i = 0; i < 20_000; i++)
        {
            float score = (float)(Math.Exp((random.NextDouble() * 24) - 18) * (i % 7 == 0 ? 50 : 1));
            double found = (double)ScoreRounding.Round(score, precision);
            int at = Array.BinarySearch(values, found);
            Assert.True(at >= 0, $"{score} became {found}, which {precision} does not have");
            // Through float16 first: what lay next to the middle of two values may then lie on its other side.
            double nearest = values.Min(v => Math.Abs(v - score)), float16 = Math.Max(Math.Abs(score) / 1024, Math.Pow(2, -24));
            Assert.True(Math.Abs(found - score) <= nearest + float16, $"{score} became {found}");
        }
    }

    [Theory]
    [InlineData(ScorePrecision.Bits16, 65504)]
    [InlineData(ScorePrecision.Bits12, 65280)]
    [InlineData(ScorePrecision.Bits8, 62)]
    public void What_is_too_large_becomes_the_largest(ScorePrecision precision, double largest)
    {
        foreach (float score in (float[])[65504f, float.MaxValue, float.PositiveInfinity])
            Assert.Equal(largest, (double)ScoreRounding.Round(score, precision));
        Assert.Equal(0, (double)ScoreRounding.Round(0, precision));
        Assert.True(Half.IsNaN(ScoreRounding.Round(float.NaN, precision)));
    }

    [Fact]
    public void Rounding_twice_changes_nothing()
    {
        foreach (ScorePrecision precision in Enum.GetValues<ScorePrecision>())
        {
            for (int pattern = 0; pattern < 0x7C00; pattern++)
            {
                Half once = ScoreRounding.Round((float)BitConverter.UInt16BitsToHalf((ushort)pattern), precision);
                Assert.Equal(once, ScoreRounding.Round((float)once, precision));
            }
        }
    }

    // Zero, subnormals, and every mantissa at every exponent; all ones is a number too in the formats without infinity.
    private static double[] Values(int exponentBits, int mantissaBits, int leastExponent)
    {
        double scale = Math.Pow(2, -mantissaBits);
        int mantissas = 1 << mantissaBits, exponents = (1 << exponentBits) - (exponentBits == 5 ? 2 : 0);
        IEnumerable<double> subnormals = Enumerable.Range(0, mantissas).Select(m => m * scale * Math.Pow(2, leastExponent));
        IEnumerable<double> normals = from e in Enumerable.Range(0, exponents)
                                      from m in Enumerable.Range(0, mantissas)
                                      select (1 + (m * scale)) * Math.Pow(2, leastExponent + e);
        return [.. subnormals.Concat(normals).Order()];
    }
}
