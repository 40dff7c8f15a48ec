using System.Buffers.Binary;
using Pipeline.Contracts.Storage;
using Pipeline.FaultTests.Formats;
using Pipeline.Stages.Gguf;

namespace Pipeline.FaultTests.Fuzz;

/// <summary>A GGUF file: every key looked at, every row of every tensor that is decoded here.</summary>
internal sealed class GgufTarget : FuzzTarget
{
    private readonly DiskStorage _storage = new();
    private readonly byte[] _whole;
    private readonly int _head;

    public GgufTarget()
    {
        GgufWriter writer = new();
        writer.Set("general.architecture", "llama");
        writer.Set("llama.block_count", 2);
        writer.Set("llama.rope.freq_base", 1e4);
        writer.Set("tokenizer.ggml.add_bos_token", true);
        writer.Set("tokenizer.ggml.tokens", (string[])["<unk>", "▁a", "b", ""]);
        writer.Set("tokenizer.ggml.scores", new float[] { 0, -1, -2, -3 });
        writer.Set("tokenizer.ggml.token_type", new int[] { 2, 1, 1, 5 });
        foreach (GgufType type in Enum.GetValues<GgufType>())
            writer.Add(new GgufSource($"blk.{(uint)type}.weight", type, [3, 64], sink => sink(new float[192])));
        using MemoryStream stream = new();
        writer.Write(stream);
        _whole = stream.ToArray();
        // Tensors of F32, F16, Q8_0 and BF16, each padded already.
        _head = _whole.Length - (192 * 4) - (192 * 2) - GgufPadded(192 / 32 * 34) - (192 * 2);

        static int GgufPadded(int length) => (length + 31) / 32 * 32;
    }

    public override string Name => "gguf";

    public override void Read(int seed)
    {
        var random = new Random(seed);
        var bytes = new ShardMutator([], random);
        byte[] file;
        switch (random.Next(4))
        {
            case 0:
                file = bytes.Bytes(_whole);
                break;
            case 1:
                // In place, so that what follows still lies where it is said to.
                file = [.. _whole];
                BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(random.Next(8, _head - 8)), random.Next(3) switch { 0 => ulong.MaxValue, 1 => (ulong)random.Next(70), _ => 1UL << random.Next(64) });
                break;
            case 2:
                file = [.. _whole];
                file[random.Next(_head, file.Length)] ^= (byte)(1 << random.Next(8));
                break;
            default:
                file = _whole[..random.Next(_whole.Length + 1)];
                break;
        }
        string path = Folder["stranger.gguf"];
        File.WriteAllBytes(path, file);
        using GgufFile read = GgufFile.Open(path, _storage);
        foreach (string key in read.Metadata.Values.Keys)
            _ = read.Metadata.Values[key];
        foreach (GgufTensor tensor in read.Tensors)
        {
            float[] row = new float[tensor.Columns];
            for (long at = 0; at < tensor.Shape.Take(tensor.Shape.Count - 1).Aggregate(1L, (a, b) => a * b); at++)
                read.Rows(tensor, at, row);
        }
    }
}
