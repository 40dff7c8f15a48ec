using System.Text.Json;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.NextBytes;

/// <summary>
/// One text of <c>golden/exact</c>, with what an independent program computed for it. M nodes, V ids, N bytes. The columns of a distribution are the
/// 256 bytes and then each end symbol.
/// </summary>
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
        // The model is in this repository, or in the shared folder that also contains the goldens.
        ModelFolder = model.StartsWith("data/", StringComparison.Ordinal) ? Path.Combine(Repository(), model) : Path.Combine(SharedFolder.Path!, model);
    }

    /// <summary>Every text of every folder.</summary>
    public static IEnumerable<string> Files(string root)
        => Directory.GetFiles(root, "*.json", SearchOption.AllDirectories).Where(f => File.Exists(Path.ChangeExtension(f, ".safetensors"))).Order(StringComparer.Ordinal);

    public string Name { get; }

    public string ModelFolder { get; }

    public string Text => _json.GetProperty("text").GetString()!;

    public byte[] Bytes => [.. _json.GetProperty("bytes").EnumerateArray().Select(b => (byte)b.GetInt32())];

    /// <summary>The id of each end symbol, in the order of the columns after the bytes.</summary>
    public int[] Ends => [.. _json.GetProperty("columns").EnumerateArray().Skip(1).Select(c => EndOf(c.GetString()!))];

    public IReadOnlyList<(int Id, int Parent)> Nodes
        => [.. Longs("node_token").Zip(Longs("node_parent"), (token, parent) => ((int)token, (int)parent))];

    public long[] Longs(string name) => [.. _tensors.View(name).data<long>()];

    /// <summary>[M, V] which tokens may follow each node: 0 or 1.</summary>
    public byte[] Mask => [.. _tensors.View("node_mask").data<byte>()];

    /// <summary>[M, V] the model's log-probabilities after each node.</summary>
    public double[] LogProbabilities => [.. _tensors.View("node_logprobs").data<double>()];

    public double[] PrefixLogProbability => [.. _tensors.View("canonical_local.prefix_logprob").data<double>()];

    /// <summary>[N + 1, 257] log p of the next byte. The last column has all end symbols together.</summary>
    public double[] LogP()
    {
        Tensor all = _tensors.View("canonical_local.logp");
        return [.. cat([all.narrow(1, 0, 256), all.narrow(1, 256, all.size(1) - 256).logsumexp(1, keepdim: true)], 1).contiguous().data<double>()];
    }

    public void Dispose() => _tensors.Dispose();

    private static int EndOf(string column)
    {
        // A column's name is of the form "end: id 1023 <|end|>".
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
