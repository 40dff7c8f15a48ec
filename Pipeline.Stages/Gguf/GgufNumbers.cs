using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Pipeline.Stages.Gguf;

/// <summary>Converts float32 to the bytes of a tensor and back. Rounds to the nearest, as ggml's reference code does for each type.</summary>
internal static class GgufNumbers
{
    private const int Block = 32, BlockBytes = 34;

    /// <summary>The largest magnitude of a quantized value.</summary>
    private const float Largest = 127;

    /// <summary>Converts to the type of a tensor.</summary>
    /// <param name="type">The tensor's type.</param>
    /// <param name="values">The values, a whole number of blocks.</param>
    /// <param name="bytes">Gets the bytes. Its length is what <see cref="GgufTypes.Bytes"/> says.</param>
    public static void Encode(GgufType type, ReadOnlySpan<float> values, Span<byte> bytes)
    {
        switch (type)
        {
            case GgufType.F32:
                MemoryMarshal.AsBytes(values).CopyTo(bytes);
                break;
            case GgufType.F16:
                Span<Half> halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (int i = 0; i < values.Length; i++)
                    halves[i] = (Half)values[i];
                break;
            case GgufType.BF16:
                Span<ushort> upper = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (int i = 0; i < values.Length; i++)
                    upper[i] = ToBfloat16(values[i]);
                break;
            case GgufType.Q8_0:
                for (int at = 0; at < values.Length; at += Block)
                    Quantize(values.Slice(at, Block), bytes.Slice(at / Block * BlockBytes, BlockBytes));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "this type cannot be written");
        }
    }

    /// <summary>Converts from the type of a tensor.</summary>
    /// <param name="type">The tensor's type.</param>
    /// <param name="bytes">The bytes, a whole number of blocks.</param>
    /// <param name="values">Gets the values, as many as the blocks have.</param>
    public static void Decode(GgufType type, ReadOnlySpan<byte> bytes, Span<float> values)
    {
        switch (type)
        {
            case GgufType.F32:
                bytes.CopyTo(MemoryMarshal.AsBytes(values));
                break;
            case GgufType.F16:
                ReadOnlySpan<Half> halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (int i = 0; i < values.Length; i++)
                    values[i] = (float)halves[i];
                break;
            case GgufType.BF16:
                ReadOnlySpan<ushort> upper = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (int i = 0; i < values.Length; i++)
                    values[i] = BitConverter.UInt32BitsToSingle((uint)upper[i] << 16);
                break;
            case GgufType.Q8_0:
                for (int at = 0; at < values.Length; at += Block)
                    Restore(bytes.Slice(at / Block * BlockBytes, BlockBytes), values.Slice(at, Block));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "this type cannot be read");
        }
    }

    private static ushort ToBfloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)((bits >> 16) | 0x40) : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    // The scale maps the largest magnitude to 127. Quotients are rounded to whole numbers, halves away from zero.
    private static void Quantize(ReadOnlySpan<float> values, Span<byte> bytes)
    {
        float most = 0;
        foreach (float value in values)
            most = Math.Max(most, Math.Abs(value));
        float scale = most / Largest;
        float inverse = scale == 0 ? 0 : 1 / scale;
        BinaryPrimitives.WriteHalfLittleEndian(bytes, (Half)scale);
        for (int i = 0; i < Block; i++)
            bytes[2 + i] = (byte)(sbyte)MathF.Round(values[i] * inverse, MidpointRounding.AwayFromZero);
    }

    private static void Restore(ReadOnlySpan<byte> bytes, Span<float> values)
    {
        float scale = (float)BinaryPrimitives.ReadHalfLittleEndian(bytes);
        for (int i = 0; i < Block; i++)
            values[i] = scale * (sbyte)bytes[2 + i];
    }
}
