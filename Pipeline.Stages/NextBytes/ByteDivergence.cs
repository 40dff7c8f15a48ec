using System.Runtime.InteropServices;
using Pipeline.Stages.Models;
using Pipeline.Stages.Objectives;
using static TorchSharp.torch;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// KL(teacher, student) between next bytes at each position, computed over the student's own vocabulary ("Objectives on next bytes" in
/// docs/method.md). Let p_i be the teacher's probability of bucket i (a byte, the end, or the rest), S_i the student's mass in it, and S_all the
/// student's mass of everything that may come. The bucket adds p_i log(p_i S_all / S_i) to the loss. The gradient with respect to a place's logit is
/// the place's share of S_all, minus p_i times its share of S_i: a constant for each range of places, times the place's probability. The rows of
/// the head must be in <see cref="PlaceOrder"/>.
/// </summary>
/// <param name="vocabulary">The student's vocabulary.</param>
/// <param name="tables">Which positions predict which bytes, and what the teacher says about them.</param>
/// <param name="positions_N">The flat position of each hidden state that goes through the head.</param>
internal sealed class ByteDivergence(ByteVocabulary vocabulary, ByteTables tables, IReadOnlyList<long> positions_N) : IHeadReading
{
    private readonly ByteBuckets _buckets = new(vocabulary, tables);
    private readonly int _places = vocabulary.Ids.Length;

    /// <summary>[S] the loss of each position of the slice: a sum over its entries, in nats. It is 0 where there are none.</summary>
    public Tensor Read(HeadSlice slice)
    {
        Tensor given_SV = slice.Weights_SV;
        using Tensor here_SV = given_SV.cpu();
        (int count, int width) = ((int)here_SV.size(0), (int)here_SV.size(1));
        Span<float> weights = MemoryMarshal.Cast<byte, float>(here_SV.bytes);
        float[] sums = new float[count];
        for (int i = 0; i < count; i++)
        {
            Span<float> row = weights.Slice(i * width, width);
            sums[i] = (float)_buckets.At(positions_N[(int)slice.Start + i], row[.._places]);
            row[_places..].Clear();
        }
        given_SV.copy_(here_SV);
        return tensor(sums, device: given_SV.device);
    }
}
