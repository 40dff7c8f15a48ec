using System.IO.Compression;
using System.Text;
using Pipeline.FaultTests.Formats;
using Pipeline.Stages.Tests;
using Pipeline.Stages.Tests.Text;
using Pipeline.Stages.Text;
using ZstdSharp;

namespace Pipeline.FaultTests.Fuzz;

/// <summary>JSON Lines, plain and compressed, texts and conversations.</summary>
internal sealed class JsonlTarget : FuzzTarget
{
    private const int MaxDocumentBytes = 4096;
    private readonly StageHarness _run = new();
    private readonly byte[] _lines = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 40).Select(i => i % 3 == 0
        ? $"{{\"text\": \"line {i} \\u00e9\\n\", \"n\": {i}}}\n"
        : $"{{\"messages\": [{{\"role\": \"user\", \"content\": \"question {i}\"}}, {{\"role\": \"assistant\", \"content\": \"answer\"}}], \"text\": \"t{i}\"}}\r\n")));

    public override string Name => "jsonl";

    public override void Read(int seed)
    {
        var random = new Random(seed);
        var bytes = new ShardMutator([], random);
        byte[] lines = random.Next(4) == 0 ? _lines : bytes.Bytes(_lines);
        // A little that becomes much.
        if (random.Next(10) == 0)
            lines = [.. lines, .. Encoding.ASCII.GetBytes($"{{\"text\": \"{new string('x', 1 << random.Next(10, 22))}\"}}\n")];
        (string name, byte[] file) = random.Next(3) switch
        {
            0 => ("stranger.jsonl", lines),
            1 => ("stranger.jsonl.gz", GZip(lines)),
            _ => ("stranger.jsonl.zst", new Compressor(1).Wrap(lines).ToArray()),
        };
        if (lines == _lines || random.Next(4) == 0)
            file = bytes.Bytes(file);
        string path = Folder[name];
        File.WriteAllBytes(path, file);
        _run.Add(new InputCatalog(_run.Storage));
        var options = new ReadJsonlOptions { Files = [path], Messages = random.Next(2) == 0 ? "messages" : null, MaxDocumentBytes = MaxDocumentBytes };
        if (StageHarness.ReadAsync(Made.ReadJsonl(options, _run.Context())).GetAwaiter().GetResult().Any(d => d.Text.Length > MaxDocumentBytes))
            throw new InvalidOperationException("a document above the limit");
        _run.Rejected.Clear();
    }

    public override void Dispose()
    {
        _run.Dispose();
        base.Dispose();
    }

    private static byte[] GZip(byte[] lines)
    {
        var to = new MemoryStream();
        using (var gzip = new GZipStream(to, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(lines);
        return to.ToArray();
    }
}
