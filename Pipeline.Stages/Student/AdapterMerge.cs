using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Peft;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>A model with a PEFT adapter's updates in its weights, as a Hugging Face folder of its own.</summary>
public static class AdapterMerge
{
    /// <param name="model">Full path of the model the adapter was trained over.</param>
    /// <param name="adapter">Full path of the adapter's folder.</param>
    /// <param name="to">Full path of the folder to write.</param>
    /// <param name="type">Number format of the written weights; sums are float32.</param>
    /// <param name="storage">Files.</param>
    /// <param name="device">Where the maths runs.</param>
    /// <returns>How many weights were updated, and how many replaced.</returns>
    /// <exception cref="InputException">The adapter is of another model, or holds what is not computed here.</exception>
    public static Task<(int Updated, int Replaced)> WriteAsync(
        string model, string adapter, string to, WeightType type, IStorage storage, TorchDevice device, CancellationToken cancellationToken)
        => device.RunAsync(() =>
        {
            TextTokenizer tokenizer = TextTokenizer.Load(model, storage);
            using CausalLm merged = CausalLm.Load(model, storage, device.Device, ScalarType.Float32);
            (int, int) counts = PeftFolder.MergeInto(merged, adapter, storage);
            storage.CreateDirectory(to);
            storage.DeleteFile(Path.Combine(to, FileList.FileName));
            tokenizer.Save(to, storage);
            merged.Save(to, storage, new ExportOptions(StudentExport.TorchType(type), SourceFolder: model));
            FileList.WriteFor(storage, to);
            return counts;
        }, cancellationToken);
}
