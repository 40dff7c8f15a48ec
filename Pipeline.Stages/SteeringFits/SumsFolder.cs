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
/// The sums of a fit, as a folder of parts. Each part is a safetensors file with float64 sums over its own demonstrations. A list of checksums is
/// added when all parts exist. The parts are added on reading, so that ranks and layers can be chosen later, without the model.
/// </summary>
internal sealed class SumsFolder(IStorage storage, string folder)
{
    public string Path => folder;

    public string PathOf(int part, int parts) => System.IO.Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"sums-{part:D5}-of-{parts:D5}.safetensors"));

    /// <summary>Whether a folder contains sums. Their content is not checked.</summary>
    public static bool IsIn(IStorage storage, string folder)
        => storage.DirectoryExists(folder) && storage.List(folder).Any(IsPart);

    /// <summary>Writes the tensors of one part. To be called on the device's thread.</summary>
    public static void Write(Stream stream, SumsHeader header, IReadOnlyList<SpectralSums> sums, IReadOnlyList<Tensor> samples)
        => SafetensorsWriter.Write(stream, header.Layers.SelectMany((layer, i) => new[]
        {
            new TensorSource($"layer{layer}.positive", ScalarType.Float64, sums[i].Positive),
            new TensorSource($"layer{layer}.negative", ScalarType.Float64, sums[i].Negative),
            new TensorSource($"layer{layer}.positive_total", ScalarType.Float64, sums[i].PositiveTotal),
            new TensorSource($"layer{layer}.negative_total", ScalarType.Float64, sums[i].NegativeTotal),
            new TensorSource($"layer{layer}.sample", ScalarType.Float32, samples[i]),
        }), header.ToMetadata());

    /// <summary>Whether all parts exist. If they do, the list of checksums is written, unless it exists already.</summary>
    public bool List(int parts)
    {
        if (!Enumerable.Range(0, parts).All(i => storage.FileExists(PathOf(i, parts))))
            return false;
        if (!storage.FileExists(System.IO.Path.Combine(folder, FileList.FileName)))
            FileList.WriteFor(storage, folder);
        return true;
    }

    /// <summary>Reads the headers of all parts, in order.</summary>
    /// <exception cref="InputException">There are no parts, some are missing, or they do not belong together.</exception>
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

    /// <summary>Checks all files against the list of checksums.</summary>
    /// <exception cref="DamagedException">A file is not what was written.</exception>
    public void Verify(CancellationToken cancellationToken)
    {
        foreach (FileHash file in FileList.Read(storage, folder).Files)
            file.Verify(storage, folder, cancellationToken);
    }

    /// <summary>Adds up a layer's sums over all parts, and joins the base activations [n, d] that each part kept. The caller disposes both.</summary>
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
