using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Peft;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>Adds the updates of a PEFT adapter to a model's weights, and writes the result as a Hugging Face folder of its own.</summary>
public static class AdapterMerge
{
    /// <summary>Reads both folders, merges them in float32, and writes the model with its tokenizer.</summary>
    /// <param name="model">The full path of the model that the adapter was trained on.</param>
    /// <param name="adapter">The full path of the adapter's folder.</param>
    /// <param name="to">The full path of the folder to write.</param>
    /// <param name="type">The number format of the written weights.</param>
    /// <param name="storage">Where files are read and written.</param>
    /// <param name="device">The device that computes.</param>
    /// <param name="cancellationToken">Cancels the work if it has not begun.</param>
    /// <returns>How many weights were updated, and how many were replaced.</returns>
    /// <exception cref="InputException">The adapter belongs to another model, or uses something that is not supported here.</exception>
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
