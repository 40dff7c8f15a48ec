using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Pipeline.Stages.NextBytes;

/// <summary>Sums of neighbouring numbers. Each context needs hundreds of them, most over one number or a few.</summary>
internal static class RangeSum
{
    /// <summary>The sum of values[start..end].</summary>
    public static double Of<T>(ReadOnlySpan<T> values, int start, int end)
        where T : unmanaged, INumber<T>
    {
        if (end - start == 1)
            return double.CreateTruncating(values[start]);
        if (typeof(T) == typeof(float) && end - start <= Vector512<float>.Count && start + Vector512<float>.Count <= values.Length)
            return OfFew(MemoryMarshal.Cast<T, float>(values), start, end - start);
        return OfMany(values[start..end]);
    }

    /// <summary>The sum of all values, computed in two vectors of eight.</summary>
    public static double Of(ReadOnlySpan<double> values)
    {
        Vector512<double> even = Vector512<double>.Zero, odd = Vector512<double>.Zero;
        ref double first = ref MemoryMarshal.GetReference(values);
        int at = 0;
        for (; at + (2 * Vector512<double>.Count) <= values.Length; at += 2 * Vector512<double>.Count)
        {
            even += Vector512.LoadUnsafe(ref first, (nuint)at);
            odd += Vector512.LoadUnsafe(ref first, (nuint)(at + Vector512<double>.Count));
        }
        double sum = Vector512.Sum(even + odd);
        foreach (double value in values[at..])
            sum += value;
        return sum;
    }

    // At most 16 numbers, without a loop: 16 are read, and those beyond the count are left out.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double OfFew(ReadOnlySpan<float> values, int start, int count)
    {
        Vector512<float> read = Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(values), (nuint)start);
        Vector512<int> mine = Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count));
        (Vector512<double> low, Vector512<double> high) = Vector512.Widen(Vector512.ConditionalSelect(mine.AsSingle(), read, Vector512<float>.Zero));
        return Vector512.Sum(low + high);
    }

    private static double OfMany<T>(ReadOnlySpan<T> values)
        where T : unmanaged, INumber<T>
    {
        double sum = 0;
        int at = 0;
        if (values.Length >= 2 * Vector<T>.Count)
        {
            Vector<T> even = Vector<T>.Zero, odd = Vector<T>.Zero;
            for (; at + (2 * Vector<T>.Count) <= values.Length; at += 2 * Vector<T>.Count)
            {
                even += new Vector<T>(values[at..]);
                odd += new Vector<T>(values[(at + Vector<T>.Count)..]);
            }
            sum = double.CreateTruncating(Vector.Sum(even + odd));
        }
        foreach (T value in values[at..])
            sum += double.CreateTruncating(value);
        return sum;
    }
}
