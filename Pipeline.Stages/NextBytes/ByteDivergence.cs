using System.Runtime.InteropServices;
using Pipeline.Stages.Models;
using Pipeline.Stages.Objectives;
using static TorchSharp.torch;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// KL(teacher, student) between next bytes at each position, over a student's own vocabulary. With S the student's mass of a range of places, each
/// bucket i of the teacher's (a byte, the end, the rest) gives p_i log(p_i S_all / S_i), and its gradient by the logit z of a place is the place's
/// share of S_all, less p_i times its share of S_i: a constant per range times the place's probability. The head lies in <see cref="PlaceOrder"/>.
/// </summary>
/// <param name="vocabulary">The student's.</param>
/// <param name="tables">Which positions predict which bytes.</param>
/// <param name="positions_N">The flat position of each hidden state that goes through the head.</param>
internal sealed class ByteDivergence(ByteVocabulary vocabulary, ByteTables tables, IReadOnlyList<long> positions_N) : IHeadReading
{
    private readonly ByteBuckets _buckets = new(vocabulary, tables);
    private readonly int _places = vocabulary.Ids.Length;

    /// <summary>[S] Σ over a position's entries; 0 where it has none.</summary>
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
