using System.Numerics;
using System.Runtime.CompilerServices;

namespace Pipeline.Stages.Models;

/// <summary>
/// The arithmetic of a step that computes one new position per row, on float32 in memory. The values of a matrix are read in the order in which they lie
/// there, one row after the other, because memory is fastest that way. All loops are compiled with full optimization at their first use: a short text
/// would be over before tiered compilation gets there.
/// </summary>
internal static unsafe class VectorMaths
{
    // How many bytes of x stay in a core's first-level cache while a row of the matrix is read, and how many bytes of the matrix stay in its second-level
    // cache until they have been multiplied with all of x.
    private const int NearBytes = 16 << 10, FarBytes = 128 << 10;

    /// <summary>The dot product of a and b. Its order of summation depends on the width of the processor's vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot(float* a, float* b, int count)
    {
        int width = Vector<float>.Count, i = 0;
        Vector<float> first = Vector<float>.Zero, second = first, third = first, fourth = first;
        for (; i <= count - (4 * width); i += 4 * width)
        {
            first = Vector.FusedMultiplyAdd(Vector.Load(a + i), Vector.Load(b + i), first);
            second = Vector.FusedMultiplyAdd(Vector.Load(a + i + width), Vector.Load(b + i + width), second);
            third = Vector.FusedMultiplyAdd(Vector.Load(a + i + (2 * width)), Vector.Load(b + i + (2 * width)), third);
            fourth = Vector.FusedMultiplyAdd(Vector.Load(a + i + (3 * width)), Vector.Load(b + i + (3 * width)), fourth);
        }
        for (; i <= count - width; i += width)
            first = Vector.FusedMultiplyAdd(Vector.Load(a + i), Vector.Load(b + i), first);
        float sum = Vector.Sum(first + second + (third + fourth));
        for (; i < count; i++)
            sum += a[i] * b[i];
        return sum;
    }

    /// <summary>into += factor * x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddScaled(float* into, float* x, float factor, int count)
    {
        int width = Vector<float>.Count, i = 0;
        Vector<float> factors = Vector.Create(factor);
        for (; i <= count - width; i += width)
            Vector.Store(Vector.FusedMultiplyAdd(factors, Vector.Load(x + i), Vector.Load(into + i)), into + i);
        for (; i < count; i++)
            into[i] += factor * x[i];
    }

    /// <summary>The part of x Wᵀ + bias that a range of rows of W makes. The rest of the result is not written.</summary>
    /// <param name="x">[B, H].</param>
    /// <param name="weight">W, [N, H].</param>
    /// <param name="bias">[N], or null.</param>
    /// <param name="into">[B, N] the result.</param>
    /// <param name="batch">B.</param>
    /// <param name="width">H.</param>
    /// <param name="rows">N.</param>
    /// <param name="from">The first row of W in the range.</param>
    /// <param name="to">The row after the last one.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Product(float* x, float* weight, float* bias, float* into, int batch, int width, int rows, int from, int to)
    {
        int near = Math.Max(1, NearBytes / sizeof(float) / width), far = Math.Max(1, FarBytes / sizeof(float) / width);
        for (int start = from; start < to; start += far)
        {
            int end = Math.Min(to, start + far);
            for (int first = 0; first < batch; first += near)
            {
                int last = Math.Min(batch, first + near);
                for (int row = start; row < end; row++)
                {
                    for (int i = first; i < last; i++)
                        into[((long)i * rows) + row] = Dot(x + ((long)i * width), weight + ((long)row * width), width) + (bias is null ? 0 : bias[row]);
                }
            }
        }
    }

    /// <summary>into := x / sqrt(mean(x^2) + eps) * (w + plus). <paramref name="into"/> may be <paramref name="x"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RmsNorm(float* x, float* weight, float plus, float* into, int width, double epsilon)
    {
        float factor = (float)(1 / Math.Sqrt((Dot(x, x, width) / width) + epsilon));
        for (int i = 0; i < width; i++)
            into[i] = x[i] * factor * (weight[i] + plus);
    }

    /// <summary>Rotates the pairs (x[k], x[k + half]) in place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rotate(float* x, float* cos, float* sin, int half)
    {
        for (int k = 0; k < half; k++)
        {
            (float left, float right) = (x[k], x[k + half]);
            x[k] = (left * cos[k]) - (right * sin[k]);
            x[k + half] = (right * cos[k]) + (left * sin[k]);
        }
    }

    /// <summary>x := softmax(x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Softmax(float* x, int count)
    {
        float most = float.NegativeInfinity;
        for (int i = 0; i < count; i++)
            most = MathF.Max(most, x[i]);
        int width = Vector<float>.Count, at = 0;
        Vector<float> sums = Vector<float>.Zero, tops = Vector.Create(most);
        for (; at <= count - width; at += width)
        {
            Vector<float> weights = Vector.Exp(Vector.Load(x + at) - tops);
            Vector.Store(weights, x + at);
            sums += weights;
        }
        float sum = Vector.Sum(sums);
        for (; at < count; at++)
            sum += x[at] = MathF.Exp(x[at] - most);
        for (int i = 0; i < count; i++)
            x[i] /= sum;
    }

    /// <summary>gate := silu(gate) * up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Silu(float* gate, float* up, int count)
    {
        int width = Vector<float>.Count, i = 0;
        for (; i <= count - width; i += width)
        {
            Vector<float> x = Vector.Load(gate + i);
            Vector.Store(x / (Vector<float>.One + Vector.Exp(-x)) * Vector.Load(up + i), gate + i);
        }
        for (; i < count; i++)
            gate[i] = gate[i] / (1 + MathF.Exp(-gate[i])) * up[i];
    }

    /// <summary>gate := gelu(gate) * up, with the tanh approximation of GELU.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void GeluTanh(float* gate, float* up, int count)
    {
        for (int i = 0; i < count; i++)
        {
            float x = gate[i];
            gate[i] = 0.5f * x * (1 + MathF.Tanh(0.7978845608f * (x + (0.044715f * x * x * x)))) * up[i];
        }
    }
}
