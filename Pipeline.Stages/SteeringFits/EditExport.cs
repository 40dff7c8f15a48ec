using System.Reflection;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Steering;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.SteeringFits;

/// <summary>Writes a model with its edit as a folder that other programs can open. To be used on the device's thread.</summary>
public sealed class EditExport(IStorage storage, TorchDevice device)
{
    /// <summary>The Python file next to an edit, which applies it in Hugging Face's library.</summary>
    public const string HookName = "sea_edit.py";

    /// <summary>How many levels of subfolders of a model's folder are copied. Deeper ones are refused.</summary>
    private const int Deepest = 4;

    /// <summary>Writes the folder.</summary>
    /// <param name="model">The full path of the model, without an edit.</param>
    /// <param name="edit">The full path of the edit's file.</param>
    /// <param name="to">The full path of the folder to write, which must not be the model's own.</param>
    /// <param name="form">How the edit is written.</param>
    /// <param name="type">The number format of folded weights; null for the model's own.</param>
    /// <returns>What was done, for the user.</returns>
    /// <exception cref="InputException">The edit was fitted on another model, or cannot be written in this form.</exception>
    public string Write(string model, string edit, string to, EditForm form, ScalarType? type)
    {
        if (SteeringEdit.IsIn(model, storage))
            throw new InputException($"{model} has an edit of its own ({SteeringEdit.FileName}); name the folder of the plain model");
        using SteeringEdit steering = SteeringEdit.Load(edit, storage, device.Device);
        ModelConfig config = ModelConfig.Load(model, storage);
        steering.Check(config);
        Foldability fold = SteeringFold.Of(steering, config);
        bool folds = form switch
        {
            EditForm.Side => false,
            EditForm.Auto => fold.Kind == FoldKind.Exact,
            EditForm.Fold => fold.Kind == FoldKind.Exact ? true : throw new InputException($"the edit cannot be folded exactly: {fold.Why}; use form auto or side"),
            _ => fold.Kind != FoldKind.None ? true : throw new InputException($"the edit cannot be folded: {fold.Why}; use form auto or side"),
        };
        storage.CreateDirectory(to);
        // While files are replaced, the old list of checksums would be wrong.
        storage.DeleteFile(Path.Combine(to, FileList.FileName));
        Copy(model, to, name => folds ? !IsWeights(name) && name is not (ModelConfig.FileName or "generation_config.json") : name != FileList.FileName, Deepest);
        if (folds)
            WriteFolded(model, steering, to, type ?? TypeOf(model));
        else
            WriteBeside(steering, to);
        FileList.WriteFor(storage, to);
        return folds
            ? fold.Kind == FoldKind.Exact ? $"folded into the weights: {fold.Why}" : $"folded into the head, which keeps only the most likely token exact: {fold.Why}"
            : $"next to the weights, in {SteeringEdit.FileName}, with {HookName} for Hugging Face's library{(form == EditForm.Auto ? $"; the weights cannot express it: {fold.Why}" : "")}";
    }

    private void WriteFolded(string model, SteeringEdit edit, string to, ScalarType type)
    {
        // The model is loaded in the type that is written, so that what is folded in float64 is rounded once.
        using CausalLm plain = CausalLm.Load(model, storage, device.Device, type);
        SteeringFold.Apply(edit, plain);
        plain.Save(to, storage, new ExportOptions(type, SourceFolder: model));
    }

    private void WriteBeside(SteeringEdit edit, string to)
    {
        edit.SaveInto(to, storage);
        using Stream hook = Assembly.GetExecutingAssembly().GetManifestResourceStream(HookName)!;
        storage.WriteAtomically(Path.Combine(to, HookName), hook.CopyTo);
    }

    private ScalarType TypeOf(string model)
    {
        using SafetensorsFolder files = SafetensorsFolder.Open(model, storage);
        return files.Entries.GroupBy(e => e.Type).OrderByDescending(g => g.Sum(e => e.Bytes)).First().Key;
    }

    private static bool IsWeights(string name)
        => name is SafetensorsFolder.SingleName or SafetensorsFolder.IndexName or FileList.FileName || (name.StartsWith("model-", StringComparison.Ordinal) && name.EndsWith(".safetensors", StringComparison.Ordinal));

    private void Copy(string from, string to, Func<string, bool> isWanted, int depth)
    {
        foreach (string path in storage.List(from).Where(p => !storage.IsLink(p) && !Staging.IsStaging(p)))
        {
            string name = Path.GetFileName(path), target = Path.Combine(to, name);
            if (storage.DirectoryExists(path))
            {
                if (depth == 0)
                    throw new InputException($"{path} is more than {Deepest} folders below the model; move it away");
                storage.CreateDirectory(target);
                Copy(path, target, static _ => true, depth - 1);
            }
            else if (isWanted(name))
            {
                storage.WriteAtomically(target, stream =>
                {
                    using Stream source = storage.OpenRead(path);
                    source.CopyTo(stream);
                });
            }
        }
    }
}
