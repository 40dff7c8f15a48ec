using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Objectives;

/// <summary>Reads a whole small safetensors file with tensors of float32, float64, int64 and bool.</summary>
internal sealed class SafetensorsReader
{
    private readonly byte[] _bytes;
    private readonly int _data;
    private readonly JsonElement _header;

    public SafetensorsReader(string path)
    {
        _bytes = File.ReadAllBytes(path);
        int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(_bytes);
        _data = 8 + length;
        _header = JsonDocument.Parse(_bytes.AsMemory(8, length)).RootElement;
    }

    public bool Has(string name) => _header.TryGetProperty(name, out _);

    public long[] Shape(string name) => [.. _header.GetProperty(name).GetProperty("shape").EnumerateArray().Select(e => e.GetInt64())];

    public float[] Floats(string name) => MemoryMarshal.Cast<byte, float>(Bytes(name, "F32")).ToArray();

    public long[] Longs(string name) => MemoryMarshal.Cast<byte, long>(Bytes(name, "I64")).ToArray();

    public bool[] Bools(string name) => Array.ConvertAll(Bytes(name, "BOOL").ToArray(), b => b != 0);

    /// <summary>A tensor as float64, which is the precision of the goldens, whether the file has it as float32 or float64.</summary>
    public Tensor Doubles(string name)
        => tensor(IsWide(name) ? MemoryMarshal.Cast<byte, double>(Bytes(name, "F64")).ToArray() : Array.ConvertAll(Floats(name), x => (double)x)).reshape(Shape(name));

    private bool IsWide(string name) => _header.GetProperty(name).GetProperty("dtype").GetString() == "F64";

    private ReadOnlySpan<byte> Bytes(string name, string dtype)
    {
        JsonElement entry = _header.GetProperty(name);
        Assert.Equal(dtype, entry.GetProperty("dtype").GetString());
        long[] offsets = [.. entry.GetProperty("data_offsets").EnumerateArray().Select(e => e.GetInt64())];
        return _bytes.AsSpan(_data + (int)offsets[0], (int)(offsets[1] - offsets[0]));
    }
}
