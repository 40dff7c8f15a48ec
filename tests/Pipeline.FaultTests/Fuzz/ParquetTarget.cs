using System.Buffers.Binary;
using Pipeline.Contracts.Records;
using Pipeline.FaultTests.Formats;
using Pipeline.Stages.Tests;
using Pipeline.Stages.Tests.Text;
using Pipeline.Stages.Text;

namespace Pipeline.FaultTests.Fuzz;

/// <summary>Parquet of another writer, in every codec that is read, texts and conversations.</summary>
internal sealed class ParquetTarget : FuzzTarget
{
    private const string Texts =
        "SELECT CASE WHEN i % 9 = 0 THEN NULL ELSE 'text number ' || (i % 40) || repeat('z', (i % 13)::BIGINT) END AS text, i AS n FROM range(300) t(i)";

    private const string Messages = "SELECT [{'role': 'user', 'content': 'question ' || i}, {'role': 'assistant', 'content': 'answer'}] AS messages FROM range(120) t(i)";

    private readonly StageHarness _run = new();
    private readonly List<byte[]> _whole = [];

    public ParquetTarget()
    {
        foreach (string options in new[] { "COMPRESSION uncompressed", "COMPRESSION snappy", "COMPRESSION gzip", "COMPRESSION zstd", "COMPRESSION zstd, PARQUET_VERSION v2", "COMPRESSION uncompressed, PARQUET_VERSION v2" })
        {
            foreach (string select in new[] { Texts, Messages })
            {
                Duck.Write(Folder["a.parquet"], select, options);
                _whole.Add(File.ReadAllBytes(Folder["a.parquet"]));
            }
        }
    }

    public override string Name => "parquet";

    // A page may be of 256 MiB, and so may its dictionary: what is a valid file of such pages is read.
    public override long MostBytesAllocated => 1L << 30;

    public override int FastTries => 2000;

    public override void Read(int seed)
    {
        var random = new Random(seed);
        int chosen = random.Next(_whole.Count);
        string path = Folder["stranger.parquet"];
        File.WriteAllBytes(path, Mutate(_whole[chosen], random, new ShardMutator([], random)));
        // Its own catalogue, so that nothing is remembered of the file before.
        _run.Add(new InputCatalog(_run.Storage));
        var options = new ReadParquetOptions { Files = [path], Messages = chosen % 2 == 1 ? "messages" : null, MaxDocumentBytes = 1 << 20 };
        foreach (TextDocument document in StageHarness.ReadAsync(Made.ReadParquet(options, _run.Context())).GetAwaiter().GetResult())
        {
            if (document.Text.Length > 1 << 20)
                throw new InvalidOperationException($"a document of {document.Text.Length} characters");
        }
        _run.Rejected.Clear();
    }

    public override void Dispose()
    {
        _run.Dispose();
        base.Dispose();
    }

    /// <summary>A file with its footer or its pages changed, and lengths that fit it again.</summary>
    public static byte[] Mutate(byte[] whole, Random random, ShardMutator bytes)
    {
        int footer = BinaryPrimitives.ReadInt32LittleEndian(whole.AsSpan(whole.Length - 8));
        byte[] data = whole[..^(footer + 8)], meta = whole[^(footer + 8)..^8];
        switch (random.Next(4))
        {
            case 0:
                meta = bytes.Bytes(meta);
                break;
            case 1:
                // In place, so that the footer still points where pages begin.
                for (int i = random.Next(1, 5); i > 0; i--)
                    data[random.Next(4, data.Length)] = (byte)(random.Next(3) switch { 0 => 0xFF, 1 => 0, _ => random.Next(256) });
                break;
            case 2:
                data[random.Next(4, Math.Min(data.Length, 64))] ^= (byte)(1 << random.Next(8));
                break;
            default:
                data = bytes.Bytes(data);
                break;
        }
        byte[] tail = new byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(tail, meta.Length);
        "PAR1"u8.CopyTo(tail.AsSpan(4));
        return [.. data, .. meta, .. tail];
    }
}
