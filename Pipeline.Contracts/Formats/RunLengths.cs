using System.Buffers;

namespace Pipeline.Contracts.Formats;

/// <summary>Encodes labels and masks as runs. A run is a value and how often it repeats.</summary>
internal static class RunLengths
{
    public static void Write(ReadOnlySpan<ushort> values, IBufferWriter<byte> buffer)
    {
        for (int start = 0; start < values.Length;)
        {
            int end = start + 1;
            while (end < values.Length && values[end] == values[start])
                end++;
            Varint.Write(buffer, values[start]);
            Varint.Write(buffer, (uint)(end - start));
            start = end;
        }
    }

    /// <summary>Reads labels.</summary>
    /// <exception cref="InvalidDataException">The runs do not make up <paramref name="count"/> values.</exception>
    public static ushort[] Read(ReadOnlySpan<byte> bytes, int count)
    {
        var values = new ushort[count];
        for (int start = 0; start < count;)
        {
            ushort value = (ushort)Varint.ReadAtMost(ref bytes, ushort.MaxValue);
            int length = Varint.ReadAtMost(ref bytes, count - start);
            MessagePackBytes.Expect(length > 0, "a run has a length");
            values.AsSpan(start, length).Fill(value);
            start += length;
        }
        MessagePackBytes.Expect(bytes.IsEmpty, "nothing follows the last run");
        return values;
    }

    public static void Write(ReadOnlySpan<bool> values, IBufferWriter<byte> buffer)
        => Write(ToLabels(values), buffer);

    /// <summary>Reads a mask.</summary>
    /// <exception cref="InvalidDataException">The runs do not make up <paramref name="count"/> values, or one of them is neither 0 nor 1.</exception>
    public static bool[] ReadMask(ReadOnlySpan<byte> bytes, int count)
    {
        ushort[] labels = Read(bytes, count);
        var mask = new bool[count];
        for (int i = 0; i < count; i++)
        {
            MessagePackBytes.Expect(labels[i] <= 1, "a mask is 0 or 1");
            mask[i] = labels[i] == 1;
        }
        return mask;
    }

    private static ushort[] ToLabels(ReadOnlySpan<bool> values)
    {
        var labels = new ushort[values.Length];
        for (int i = 0; i < labels.Length; i++)
            labels[i] = values[i] ? (ushort)1 : (ushort)0;
        return labels;
    }
}
