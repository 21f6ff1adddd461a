# The image of deploy/ray-job.yaml: Ray's own, with protrek-hm. From the root of the repository:
#   docker build -t REGISTRY/protrek-hm-ray -f deploy/ray.Dockerfile . && docker push REGISTRY/protrek-hm-ray
FROM rayproject/ray:2.60.0-py312
COPY --chown=ray constraints.txt pyproject.toml README.md LICENSE NOTICE /home/ray/protrek-hm/
COPY --chown=ray src /home/ray/protrek-hm/src
RUN pip install --no-cache-dir "/home/ray/protrek-hm[cluster]" -c /home/ray/protrek-hm/constraints.txt
ENV OMP_NUM_THREADS=1
