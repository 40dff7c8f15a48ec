using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Alignment;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Teacher;

/// <summary>Holds the run's teacher, so that the graphs of several shards share one copy of its weights.</summary>
public sealed class TeacherStore(IStorage storage, TorchDevice device) : IDisposable
{
    private readonly Dictionary<string, TeacherModel> _teachers = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();

    internal TeacherModel Get(StageContext context)
    {
        string folder = RunPaths.Input(context.RunFolder, context.Definition.Teacher!.Model);
        lock (_gate)
        {
            if (_teachers.TryGetValue(folder, out TeacherModel? known)) return known;
            return _teachers[folder] = new TeacherModel(folder, SideTokenizers.Teacher(context), storage, device);
        }
    }

    /// <summary>Frees the weights: a flow that trains has no use for the teacher.</summary>
    public void Unload()
    {
        lock (_gate)
        {
            foreach (TeacherModel teacher in _teachers.Values) teacher.Dispose();
        }
    }

    public void Dispose() => Unload();
}
