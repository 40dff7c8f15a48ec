using System.Numerics;
using System.Runtime.CompilerServices;

namespace Pipeline.Stages.Models;

/// <summary>
/// The operations of a decoder's step of one position per row, on float32 in memory. Each row of a matrix is read from its first to its last value, which is one
/// stream that memory delivers at full speed. The loops are compiled with all optimizations at their first use: a short text ends before tiered compilation would do it.
/// </summary>
internal static unsafe class VectorMaths
{
    // How much of x stays in a core's first-level cache while a row of the matrix is read, and how much of the matrix stays in its second-level cache.
    private const int NearBytes = 16 << 10, FarBytes = 128 << 10;

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

    /// <summary>Rows from one on, up to another, of x W' + bias.</summary>
    /// <param name="x">[B, H].</param>
    /// <param name="weight">[N, H].</param>
    /// <param name="bias">[N]; null: none.</param>
    /// <param name="into">[B, N].</param>
    /// <param name="batch">B.</param>
    /// <param name="width">H.</param>
    /// <param name="rows">N.</param>
    /// <param name="from">The first row of W.</param>
    /// <param name="to">One past the last.</param>
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

    /// <summary>x / sqrt(mean(x^2) + eps) * (w + plus), in place too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RmsNorm(float* x, float* weight, float plus, float* into, int width, double epsilon)
    {
        float factor = (float)(1 / Math.Sqrt((Dot(x, x, width) / width) + epsilon));
        for (int i = 0; i < width; i++)
            into[i] = x[i] * factor * (weight[i] + plus);
    }

    /// <summary>Turns the pairs (x[k], x[k + half]).</summary>
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

    /// <summary>Softmax in place.</summary>
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

    /// <summary>gate := gelu(gate) * up, by its tanh approximation.</summary>
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
