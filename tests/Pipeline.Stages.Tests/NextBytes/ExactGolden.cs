using System.Text.Json;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.NextBytes;

/// <summary>One text of <c>golden/exact</c> under its model. M nodes, V vocabulary, N bytes, C columns: bytes and the ends.</summary>
internal sealed class ExactGolden : IDisposable
{
    private readonly JsonElement _json;
    private readonly SafetensorsFile _tensors;

    public ExactGolden(string path)
    {
        _json = JsonDocument.Parse(File.ReadAllBytes(path)).RootElement;
        _tensors = SafetensorsFile.Open(Path.ChangeExtension(path, ".safetensors"), new DiskStorage());
        Name = $"{Path.GetFileName(Path.GetDirectoryName(path))}/{Path.GetFileNameWithoutExtension(path)}";
        string model = _json.GetProperty("model").GetString()!;
        // A model of the project, or one below the folder that holds the goldens.
        ModelFolder = model.StartsWith("data/", StringComparison.Ordinal) ? Path.Combine(Repository(), model) : Path.Combine(SharedFolder.Path!, model);
    }

    /// <summary>Every text of every folder.</summary>
    public static IEnumerable<string> Files(string root)
        => Directory.GetFiles(root, "*.json", SearchOption.AllDirectories).Where(f => File.Exists(Path.ChangeExtension(f, ".safetensors"))).Order(StringComparer.Ordinal);

    public string Name { get; }

    public string ModelFolder { get; }

    public string Text => _json.GetProperty("text").GetString()!;

    public byte[] Bytes => [.. _json.GetProperty("bytes").EnumerateArray().Select(b => (byte)b.GetInt32())];

    /// <summary>Id of each end symbol, in the order of the columns behind the bytes.</summary>
    public int[] Ends => [.. _json.GetProperty("columns").EnumerateArray().Skip(1).Select(c => EndOf(c.GetString()!))];

    public IReadOnlyList<(int Id, int Parent)> Nodes
        => [.. Longs("node_token").Zip(Longs("node_parent"), (token, parent) => ((int)token, (int)parent))];

    public long[] Longs(string name) => [.. _tensors.View(name).data<long>()];

    /// <summary>[M, V] which token may follow.</summary>
    public byte[] Mask => [.. _tensors.View("node_mask").data<byte>()];

    /// <summary>[M, V].</summary>
    public double[] LogProbabilities => [.. _tensors.View("node_logprobs").data<double>()];

    public double[] PrefixLogProbability => [.. _tensors.View("canonical_local.prefix_logprob").data<double>()];

    /// <summary>[N + 1, 257] natural logarithms; the ends together in the last column.</summary>
    public double[] LogP()
    {
        Tensor all = _tensors.View("canonical_local.logp");
        return [.. cat([all.narrow(1, 0, 256), all.narrow(1, 256, all.size(1) - 256).logsumexp(1, keepdim: true)], 1).contiguous().data<double>()];
    }

    public void Dispose() => _tensors.Dispose();

    private static int EndOf(string column)
    {
        // "end: id 1023 <|end|>"
        string[] words = column.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return int.Parse(words[Array.IndexOf(words, "id") + 1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static string Repository()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Alm.sln")))
            folder = Path.GetDirectoryName(folder)!;
        return folder;
    }
}
