using System.Buffers.Binary;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.Tests.Shards;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Gguf;

/// <summary>What is written is read again, and what is damaged is refused by name.</summary>
public sealed class GgufFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();

    private string Path => _folder["a.gguf"];

    public GgufFileTests() => TorchLoader.Load();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Metadata_and_tensors_come_back()
    {
        float[] values = [.. Enumerable.Range(0, 6 * 32).Select(i => (i - 90) / 127f)];
        var writer = new GgufWriter();
        writer.Set("a.whole", 7);
        writer.Set("a.number", 0.5);
        writer.Set("a.flag", true);
        writer.Set("a.text", "▁é");
        writer.Set("a.texts", (string[])["", "x y"]);
        writer.Set("a.numbers", new float[] { -1e9f, 2 });
        writer.Set("a.wholes", new int[] { -3, 4 });
        foreach (GgufType type in Enum.GetValues<GgufType>())
            writer.Add(new GgufSource(type.ToString(), type, [2, 3, 32], sink => sink(values)));
        File.WriteAllBytes(Path, Bytes(writer));

        using GgufFile file = GgufFile.Open(Path, _storage);
        Assert.Equal(7, file.Metadata.Whole("a.whole"));
        Assert.Equal(0.5, file.Metadata.Number("a.number"));
        Assert.True(file.Metadata.Flag("a.flag"));
        Assert.Equal("▁é", file.Metadata.Text("a.text"));
        Assert.Equal((string[])["", "x y"], file.Metadata.Texts("a.texts"));
        Assert.Equal((double[])[-1e9, 2], file.Metadata.Numbers("a.numbers"));
        Assert.Equal((long[])[-3, 4], file.Metadata.Wholes("a.wholes"));
        Assert.Null(file.Metadata.Text("a.missing"));
        Assert.Throws<InputException>(() => file.Metadata.Whole("a.text"));
        foreach (GgufTensor tensor in file.Tensors)
        {
            Assert.Equal((long[])[2, 3, 32], tensor.Shape);
            Assert.Equal(0, tensor.Offset % 32);
            float[] read = new float[values.Length];
            file.Rows(tensor, 0, read);
            // The largest of 32 numbers is 127 quanta; a float16 has 11 bits, a bfloat16 8.
            double error = tensor.Name switch { "F32" => 0, "F16" => 1.0 / 2048, "BF16" => 1.0 / 256, _ => 1.0 / 250 };
            for (int i = 0; i < values.Length; i++)
                Assert.InRange(Math.Abs(read[i] - values[i]), 0, error);
            float[] row = new float[32];
            file.Rows(tensor, 4, row);
            Assert.Equal(read[128..160], row);
        }
    }

    [Fact]
    public void Numbers_are_rounded_as_torch_rounds_them()
    {
        float[] values = [0, -0f, 1, -1, 1 / 3f, 65504, 1e30f, -1e-30f, 1.00390625f, 1.01171875f, float.NaN, float.PositiveInfinity, 3e-8f, .. Enumerable.Range(0, 500).Select(i => MathF.Sin(i) * MathF.Pow(10, i % 9 - 4))];
        using Tensor torch = tensor(values);
        foreach ((GgufType type, TorchSharp.torch.ScalarType other) in new[] { (GgufType.F16, ScalarType.Float16), (GgufType.BF16, ScalarType.BFloat16) })
        {
            byte[] bytes = new byte[GgufTypes.Bytes(type, values.Length)];
            GgufNumbers.Encode(type, values, bytes);
            float[] back = new float[values.Length];
            GgufNumbers.Decode(type, bytes, back);
            Assert.Equal(torch.to_type(other).to_type(ScalarType.Float32).data<float>().ToArray(), back);
        }
    }

    [Fact]
    public void A_block_of_bytes_is_off_by_half_a_quantum_at_most()
    {
        var random = new Random(5);
        float[] values = [.. Enumerable.Range(0, 320).Select(i => i < 32 ? 0 : (float)(random.NextDouble() - 0.5) * MathF.Pow(10, i / 64))];
        byte[] bytes = new byte[GgufTypes.Bytes(GgufType.Q8_0, values.Length)];
        GgufNumbers.Encode(GgufType.Q8_0, values, bytes);
        float[] back = new float[values.Length];
        GgufNumbers.Decode(GgufType.Q8_0, bytes, back);
        for (int block = 0; block < 10; block++)
        {
            float most = values.AsSpan(block * 32, 32).ToArray().Max(MathF.Abs);
            for (int i = block * 32; i < block * 32 + 32; i++)
                Assert.InRange(Math.Abs(values[i] - back[i]), 0, most / 127 * 0.5 + most / 1024);
        }
    }

    [Fact]
    public void Every_cut_is_refused_by_name()
    {
        byte[] whole = Small();
        for (int length = 0; length < whole.Length - 32; length += 7)
        {
            File.WriteAllBytes(Path, whole[..length]);
            InputException e = Assert.Throws<InputException>(() => GgufFile.Open(Path, _storage));
            Assert.Contains(Path, e.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(0, 1u, "does not begin with GGUF")]
    [InlineData(4, 1u, "version 1")]
    [InlineData(8, 4_000_000_000u, "number of tensors")]
    [InlineData(16, 4_000_000_000u, "key")]
    public void Numbers_of_the_head_are_refused_by_name(int at, uint value, string expected)
    {
        byte[] whole = Small();
        BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(at), value);
        File.WriteAllBytes(Path, whole);
        Assert.Contains(expected, Assert.Throws<InputException>(() => GgufFile.Open(Path, _storage)).Message, StringComparison.Ordinal);
    }

    private static byte[] Small()
    {
        var writer = new GgufWriter();
        writer.Set("general.architecture", "llama");
        writer.Set("tokenizer.ggml.tokens", (string[])["a", "b"]);
        writer.Add(new GgufSource("one", GgufType.F32, [2, 32], sink => sink(new float[64])));
        writer.Add(new GgufSource("two", GgufType.Q8_0, [2, 32], sink => sink(new float[64])));
        return Bytes(writer);
    }

    private static byte[] Bytes(GgufWriter writer)
    {
        using MemoryStream stream = new();
        writer.Write(stream);
        return stream.ToArray();
    }
}
