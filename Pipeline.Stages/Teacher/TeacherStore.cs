using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Teacher;

/// <summary>Holds the run's teacher, so that the graphs of several shards share one: its weights, its process, its connections.</summary>
/// <param name="backends">What a definition may name.</param>
public sealed class TeacherStore(IReadOnlyList<TeacherRegistration> backends) : IAsyncDisposable, IDisposable
{
    private readonly Dictionary<(string RunFolder, TeacherDefinition Definition), ITeacher> _teachers = [];
    private readonly Lock _gate = new();

    /// <summary>The teacher of the definition; it stays this object's.</summary>
    /// <exception cref="DefinitionException">The definition has none, or names a backend that is not in the table.</exception>
    public ITeacher Get(StageContext context)
    {
        TeacherDefinition definition = context.Definition.Teacher
            ?? throw new DefinitionException($"stage '{context.StageName}' needs a \"teacher\" with a \"model\" in the definition");
        TeacherRegistration backend = backends.FirstOrDefault(b => b.Name == definition.Backend)
            ?? throw new DefinitionException($"the teacher's backend is '{definition.Backend}'; expected one of {string.Join(", ", backends.Select(b => b.Name))}");
        lock (_gate)
        {
            if (_teachers.TryGetValue((context.RunFolder, definition), out ITeacher? known)) return known;
            return _teachers[(context.RunFolder, definition)] = backend.Create(definition, context);
        }
    }

    /// <summary>Frees what the teachers hold: a flow that trains on shards has no use for them.</summary>
    public async ValueTask ReleaseAsync()
    {
        foreach (ITeacher teacher in All()) await teacher.ReleaseAsync().ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ITeacher teacher in All()) await teacher.DisposeAsync().ConfigureAwait(false);
        lock (_gate) _teachers.Clear();
    }

    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private ITeacher[] All()
    {
        lock (_gate) return [.. _teachers.Values];
    }
}
