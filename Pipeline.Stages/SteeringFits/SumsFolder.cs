using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Steering;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.SteeringFits;

/// <summary>
/// The sums of a fit: a folder of parts, each a safetensors file of float64 sums over its demonstrations, and a list of checksums once all
/// parts exist. Parts add up, so that ranks and layers can be chosen later without the model.
/// </summary>
internal sealed class SumsFolder(IStorage storage, string folder)
{
    public string Path => folder;

    public string PathOf(int part, int parts) => System.IO.Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"sums-{part:D5}-of-{parts:D5}.safetensors"));

    /// <summary>Whether a folder is one, without trusting what is in it.</summary>
    public static bool IsIn(IStorage storage, string folder)
        => storage.DirectoryExists(folder) && storage.List(folder).Any(IsPart);

    /// <summary>The tensors of one part. On the device's thread.</summary>
    public static void Write(Stream stream, SumsHeader header, IReadOnlyList<SpectralSums> sums, IReadOnlyList<Tensor> samples)
        => SafetensorsWriter.Write(stream, header.Layers.SelectMany((layer, i) => new[]
        {
            new TensorSource($"layer{layer}.positive", ScalarType.Float64, sums[i].Positive),
            new TensorSource($"layer{layer}.negative", ScalarType.Float64, sums[i].Negative),
            new TensorSource($"layer{layer}.positive_total", ScalarType.Float64, sums[i].PositiveTotal),
            new TensorSource($"layer{layer}.negative_total", ScalarType.Float64, sums[i].NegativeTotal),
            new TensorSource($"layer{layer}.sample", ScalarType.Float32, samples[i]),
        }), header.ToMetadata());

    /// <summary>Whether all parts exist; if so, the list of checksums is written if it is missing.</summary>
    public bool List(int parts)
    {
        if (!Enumerable.Range(0, parts).All(i => storage.FileExists(PathOf(i, parts))))
            return false;
        if (!storage.FileExists(System.IO.Path.Combine(folder, FileList.FileName)))
            FileList.WriteFor(storage, folder);
        return true;
    }

    /// <summary>The headers of all parts, in order.</summary>
    /// <exception cref="InputException">There are none, parts are missing, or they do not belong together.</exception>
    /// <exception cref="DamagedException">A file is not what was written.</exception>
    public IReadOnlyList<SumsHeader> Read()
    {
        string[] paths = storage.DirectoryExists(folder) ? [.. storage.List(folder).Where(IsPart)] : [];
        if (paths.Length == 0)
            throw new InputException($"{folder} holds no sums; fit-sea writes them");
        SumsHeader[] headers = [.. paths.Select(p => SumsHeader.Read(p, storage)).OrderBy(h => h.Part)];
        int parts = headers[0].Parts;
        if (headers.Length != parts || headers.Where((h, i) => h.Part != i).Any() || !storage.FileExists(System.IO.Path.Combine(folder, FileList.FileName)))
            throw new InputException($"{folder} is not complete: {headers.Length} of {parts} parts exist; let fit-sea finish");
        foreach (SumsHeader header in headers)
            header.RequireSame(headers[0], PathOf(header.Part, parts));
        return headers;
    }

    /// <exception cref="DamagedException">A file is not what was written.</exception>
    public void Verify(CancellationToken cancellationToken)
    {
        foreach (FileHash file in FileList.Read(storage, folder).Files)
            file.Verify(storage, folder, cancellationToken);
    }

    /// <summary>A layer's sums over all parts, and the base activations [n, d] kept of it. The caller disposes both.</summary>
    public (SpectralSums Sums, Tensor Sample) Load(IReadOnlyList<SumsHeader> headers, int layer)
    {
        using DisposeScope scope = NewDisposeScope();
        var total = new SpectralSums(headers[0].Map, headers[0].Width);
        var samples = new List<Tensor>();
        foreach (SumsHeader header in headers)
        {
            using SafetensorsFile file = SafetensorsFile.Open(PathOf(header.Part, header.Parts), storage);
            Tensor Copy(string name) => file.View($"layer{layer}.{name}").clone();
            using var part = new SpectralSums(header.Map, header.Demonstrations, Copy("positive"), Copy("negative"), Copy("positive_total"), Copy("negative_total"));
            total.Add(part);
            samples.Add(Copy("sample"));
        }
        return (total, cat(samples).DetachFromDisposeScope());
    }

    private static bool IsPart(string path)
        => System.IO.Path.GetFileName(path) is var name && name.StartsWith("sums-", StringComparison.Ordinal) && name.EndsWith(".safetensors", StringComparison.Ordinal) && !Staging.IsStaging(path);
}
